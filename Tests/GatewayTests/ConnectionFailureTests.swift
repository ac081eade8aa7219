import Catalog
import Foundation
import Glibc
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
        #expect(refused == .said("no connection to its port: Connection refused", .connectionRefused))
        let ended = ConnectionFailure(NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake])), at: origin)
        let away = ConnectionFailure(IOError(errnoCode: ENETUNREACH, reason: "connect"), at: origin)
        #expect(away == .said("no connection to its port: Network is unreachable", .unreachable))
        #expect(ended == .said("it broke off the TLS handshake", .tlsFailed))
        let name = ConnectionFailure(NIOSSLExtraError.failedToValidateHostname, at: origin)
        #expect(
            name == .said("its certificate is for another host name than api.example.com", .certificateForOtherName))
        #expect(ConnectionFailure(CancellationError(), at: origin) == nil)
    }

    private func failure(_ days: [(Int64, Int64)]) -> UpstreamFailure {
        let day: Int64 = 86_400_000_000
        return CertificateProbe.failure(
            days.map { .init(begin: .init(microseconds: $0 * day), end: .init(microseconds: $1 * day)) },
            at: .init(microseconds: 100 * day))
    }

    @Test("what is wrong with a certificate") func certificates() {
        #expect(failure([(0, 99), (0, 200)]).how == "its certificate has expired, on 1970-04-10")
        #expect(failure([(0, 200), (0, 99)]).how == "a certificate in its chain has expired, on 1970-04-10")
        #expect(failure([(101, 200)]).how == "its certificate is not valid before 1970-04-12; is the clock right?")
        #expect(failure([(101, 200)]).fault == .certificateExpired && failure([(0, 99)]).fault == .certificateExpired)
        for chain in [[(Int64(0), Int64(200))], []] {
            #expect(failure(chain).how.contains("unknown issuer"))
            #expect(failure(chain).fault == .certificateUntrusted)
        }
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
