import Catalog
import Foundation
import NIOCore
import NIOSSL
import Testing
import Values

@testable import Gateway

@Suite("Why no connection to an upstream came to be")
struct ConnectionFailureTests {
    @Test("errors of the system are told in its words, others not at all") func words() throws {
        let origin = try #require(BaseURL("https://api.example.com/v1")).origin
        let refused = ConnectionFailure(IOError(errnoCode: ECONNREFUSED, reason: "connect"), at: origin)
        #expect(refused == .said("no connection to its port: Connection refused"))
        let ended = ConnectionFailure(NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake])), at: origin)
        #expect(ended == .said("it broke off the TLS handshake"))
        let name = ConnectionFailure(NIOSSLExtraError.failedToValidateHostname, at: origin)
        #expect(name == .said("its certificate is for another host name than api.example.com"))
        #expect(ConnectionFailure(CancellationError(), at: origin) == nil)
    }

    private func reason(_ days: [(Int64, Int64)]) -> String {
        let day: Int64 = 86_400_000_000
        return CertificateProbe.reason(
            days.map { .init(begin: .init(microseconds: $0 * day), end: .init(microseconds: $1 * day)) },
            at: .init(microseconds: 100 * day))
    }

    @Test("what is wrong with a certificate") func certificates() {
        #expect(reason([(0, 99), (0, 200)]) == "its certificate has expired, on 1970-04-10")
        #expect(reason([(0, 200), (0, 99)]) == "a certificate in its chain has expired, on 1970-04-10")
        #expect(reason([(101, 200)]) == "its certificate is not valid before 1970-04-12; is the clock right?")
        #expect(reason([(0, 200)]).contains("unknown issuer"))
        #expect(reason([]).contains("unknown issuer"))
    }
}

@Suite("Authorities for providers")
struct TrustedAuthoritiesTests {
    @Test("a file that can't be used is named, with who has named it", arguments: ["", "no certificate", nil])
    func unusable(content: String?) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "ca-\(UUID().uuidString).pem")
        try content.map { try Data($0.utf8).write(to: file) }
        defer { try? FileManager.default.removeItem(at: file) }
        let first = #expect(throws: TrustedAuthorities.Failure.self) {
            try TrustedAuthorities(replacement: file.path, addition: nil, name: "the setting")
        }
        #expect(first?.sentence.contains("SSL_CERT_FILE") == true)
        let second = #expect(throws: TrustedAuthorities.Failure.self) {
            try TrustedAuthorities(replacement: nil, addition: file.path, name: "the setting")
        }
        #expect(second?.sentence.contains("the setting") == true)
        #expect(second?.sentence.contains(file.path) == true)
    }
}
