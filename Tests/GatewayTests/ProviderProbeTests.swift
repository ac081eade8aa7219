import Catalog
import NIOCore
import Secrets
import Testing

@testable import Gateway

@Suite("The test of a provider, over sockets")
struct ProviderProbeTests {
    private static let secret = Secret("sk-upstream-secret")

    /// What a test finds of an upstream that follows a script on each connection.
    private func found(
        tls: String? = nil, _ script: [Act], host: String = "127.0.0.1", scheme: String = "http",
        _ adjust: (inout UpstreamBounds) -> Void = { _ in }
    ) async throws -> ProviderTest {
        let upstream = try await ScriptedUpstream(tls: tls, { _ in script })
        let found = try await asked("\(scheme)://\(host):\(upstream.port)/v1", adjust)
        try await upstream.stop()
        return found
    }

    private func asked(
        _ url: String, _ adjust: (inout UpstreamBounds) -> Void = { _ in }
    ) async throws -> ProviderTest {
        let asker = try await UpstreamAsker(adjust)
        let probe = ProviderProbe(upstreams: asker.pools, loops: asker.group)
        let found = try await probe.test(.openai(try #require(BaseURL(url)), secret: Self.secret))
        #expect(try await asker.look { $0.underWay } == 0, "nothing stays under way")
        try await asker.stop()
        return found
    }

    private static func answer(_ status: String, _ body: String) -> Act {
        .send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    @Test("models are told with the status and the time") func good() async throws {
        let found = try await found([.read, Self.answer("200 OK", #"{"data":[{"id":"gpt-4o"}]}"#)])
        #expect(found.fault == nil && found.status == 200 && found.isReachable && !found.isBuiltIn)
        #expect(found.models == .init(count: 1, names: ["gpt-4o"]) && (0..<10_000).contains(found.milliseconds))
    }

    @Test("the built-in provider needs nobody") func builtIn() async throws {
        let asker = try await UpstreamAsker()
        let found = try await ProviderProbe(upstreams: asker.pools, loops: asker.group).test(.echo)
        #expect(found == .builtIn && found.isReachable && found.fault == nil && found.status == nil)
        try await asker.stop()
    }

    @Test("an answer that is no list is told by its status, without waiting for the rest of it") func refused()
        async throws
    {
        let halves: [(String, ProviderTest.Fault)] = [
            ("401 Unauthorized", .credentialRefused), ("404 Not Found", .noModelList), ("302 Found", .redirected),
            ("500 Internal Server Error", .serverError), ("418 Teapot", .unexpectedStatus),
        ]
        for (status, fault) in halves {
            let head = "HTTP/1.1 \(status)\r\nContent-Length: 9\r\n\r\nin"
            let found = try await found([.read, .send(head), .wait(.seconds(60))])
            #expect(found.fault == fault && found.isReachable && found.models == nil, "\(status)")
            #expect(found.milliseconds < 5000)
        }
    }

    @Test("what is no answer in OpenAI's manner, breaks off, is too long, or no HTTP") func garbage() async throws {
        #expect(try await found([.read, Self.answer("200 OK", "<html>")]).fault == .notOpenAI)
        let broken = try await found([.read, .send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[{"), .close])
        #expect(broken.fault == .brokenOff && broken.status == 200 && broken.isReachable)
        #expect(try await found([.read, .close]).fault == .brokenOff)
        let said = try await found([
            .read, .send("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n"), .wait(.seconds(60)),
        ])
        #expect(said.fault == .answerTooLarge && said.status == 200)
        let flood = try await found([.read, .send("HTTP/1.1 200 OK\r\n\r\n"), .flood(1 << 20), .wait(.seconds(60))])
        #expect(flood.fault == .answerTooLarge)
        #expect(try await found([.read, .send("SSH-2.0-OpenSSH\r\n"), .close]).fault == .notHTTP)
    }

    @Test("who is not there, or too slow") func absent() async throws {
        let port = try HeldPort()
        let refused = try await asked("http://127.0.0.1:\(port.number)/v1")
        #expect(refused.fault == .connectionRefused && !refused.isReachable && refused.status == nil)
        #expect(try await asked("http://no-such-host.invalid/v1").fault == .nameNotFound)
        let slow = try await found([.read, .wait(.seconds(60))]) { $0.head = .milliseconds(200) }
        #expect(slow.fault == .timedOut && slow.milliseconds >= 200 && slow.milliseconds < 5000)
    }

    @Test("what is wrong with a certificate, and that nothing is sent then") func certificates() async throws {
        let wrong: [(String, ProviderTest.Fault)] = [
            (TestCertificates.expired, .certificateExpired), (TestCertificates.selfSigned, .certificateUntrusted),
            (TestCertificates.elsewhere, .certificateForOtherName),
        ]
        for (certificate, fault) in wrong {
            let found = try await found(tls: certificate, [.read], host: "localhost", scheme: "https")
            #expect(found.fault == fault && !found.isReachable)
        }
        let plain = try await found([.send("HTTP/1.1 400 Bad Request\r\n\r\n"), .wait(.seconds(60))], scheme: "https")
        #expect(plain.fault == .tlsFailed)
    }

    @Test("what is sent is the question with the secret, and nothing else") func head() throws {
        let base = try #require(BaseURL("https://api.example.com/v1"))
        let head = String(buffer: try ProviderHead.models(of: base, secret: Self.secret))
        let lines = head.split(separator: "\r\n").map(String.init)
        #expect(lines.first == "GET /v1/models HTTP/1.1")
        let fields = [
            "Host: api.example.com", "Accept: application/json", "Accept-Encoding: identity", "User-Agent: latchkey",
            "Authorization: Bearer sk-upstream-secret",
        ]
        #expect(Set(lines.dropFirst()) == Set(fields) && head.hasSuffix("\r\n\r\n"))
    }
}
