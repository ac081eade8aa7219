import Catalog
import Glibc
import NIOCore
import Policy
import Synchronization
import Testing

@testable import Gateway

@Suite("Connections to upstreams, over sockets")
struct UpstreamSocketTests {
    private static let short = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

    /// Runs a test with an upstream and a pool, and ends both.
    private func with(
        tls: String? = nil, _ script: [Act], _ adjust: (inout UpstreamBounds) -> Void = { _ in },
        _ body: (ScriptedUpstream, UpstreamAsker) async throws -> Void
    ) async throws {
        let upstream = try await ScriptedUpstream(tls: tls, { _ in script })
        let asker = try await UpstreamAsker(adjust)
        do {
            try await body(upstream, asker)
        } catch {
            Issue.record(error)
        }
        try await asker.stop()
        try await upstream.stop()
    }

    @Test("requests one after the other share a connection") func shared() async throws {
        try await with(Array(repeating: [.read, .send(Self.short)], count: 5).flatMap { $0 }) { upstream, asker in
            for _ in 0..<5 {
                let outcome = try await asker.ask("http://127.0.0.1:\(upstream.port)", body: Array("hello".utf8))
                #expect(outcome.failure == nil && outcome.text == "hi" && outcome.status == 200)
            }
            #expect(try await upstream.counted { $0.opened } == 1)
            #expect(try await upstream.counted { $0.requests } == 5)
        }
    }

    @Test("a host name is looked up, and a body of some megabytes arrives") func large() async throws {
        try await with([.read, .send(Self.short)]) { upstream, asker in
            let body = [UInt8](repeating: 0x61, count: 5 << 20)
            let outcome = try await asker.ask("http://localhost:\(upstream.port)", body: body)
            #expect(outcome.failure == nil && outcome.text == "hi")
        }
    }

    @Test("an upstream that answers before it has read is heard, and its connection not used again")
    func early() async throws {
        let refusal = "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch"
        try await with([.send(refusal), .wait(.seconds(60))]) { upstream, asker in
            let body = [UInt8](repeating: 0x61, count: 20 << 20)
            // It reads nothing of the request, so the rest of that is never written.
            let outcome = try await asker.ask("http://127.0.0.1:\(upstream.port)", body: body)
            #expect(outcome.status == 413 && outcome.text == "much")
            _ = try await asker.ask("http://127.0.0.1:\(upstream.port)")
            #expect(try await upstream.counted { $0.opened } == 2)
        }
    }

    @Test("nobody listens at the port") func refused() async throws {
        // Held, so that nobody else gets it meanwhile.
        let port = try HeldPort()
        let asker = try await UpstreamAsker()
        let outcome = try await asker.ask("http://127.0.0.1:\(port.number)")
        #expect(outcome.failure == .failed("no connection to its port: Connection refused", .connectionRefused))
        try await asker.stop()
    }

    @Test("a host name that does not exist") func noHost() async throws {
        try await with([]) { _, asker in
            let outcome = try await asker.ask("http://no-such-host.invalid")
            let how = "no address was found for the host name no-such-host.invalid"
            #expect(outcome.failure == .failed(how, .nameNotFound))
        }
    }

    @Test(
        "a connection that is reset before and inside an answer",
        arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"])
    func reset(sent: String) async throws {
        try await with([.read, .send(sent), .wait(.milliseconds(50)), .reset]) { upstream, asker in
            let outcome = try await asker.ask("http://127.0.0.1:\(upstream.port)")
            #expect(outcome.failure?.denial == .upstreamFailed)
            #expect(outcome.failure?.how.hasPrefix("the connection broke") == true)
            #expect(outcome.ends == 1)
        }
    }

    @Test("a half-closed connection: its answer counts, and it is not used again") func halfClosed() async throws {
        try await with([.read, .send(Self.short), .closeOutput, .wait(.seconds(60))]) { upstream, asker in
            for _ in 0..<2 {
                let outcome = try await asker.ask("http://127.0.0.1:\(upstream.port)")
                #expect(outcome.failure == nil && outcome.text == "hi")
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(try await upstream.counted { $0.opened } == 2)
        }
    }

    /// The loop is kept busy until the upstream has closed the idle connection, so that it can't have heard of it.
    @Test("an idle connection is looked at before it is used") func looked() async throws {
        let upstream = try await ScriptedUpstream({ _ in [.read, .send(Self.short), .wait(.milliseconds(30)), .close] })
        let asker = try await UpstreamAsker()
        _ = try await asker.ask("http://127.0.0.1:\(upstream.port)")
        let outcome = try await asker.ask("http://127.0.0.1:\(upstream.port)", before: { usleep(300_000) })
        #expect(outcome.failure == nil && outcome.text == "hi")
        #expect(try await upstream.counted { $0.opened } == 2)
        try await asker.stop()
        try await upstream.stop()
    }

    // MARK: Time

    @Test("silence before and inside an answer ends at its deadline", arguments: ["", "HTTP/1.1 200 OK\r\n\r\nhi"])
    func silence(sent: String) async throws {
        try await with([.read, .send(sent), .wait(.seconds(60))]) {
            $0.head = .milliseconds(200)
            $0.idle = .milliseconds(200)
        } _: { upstream, asker in
            let outcome = try await asker.ask("http://127.0.0.1:\(upstream.port)")
            #expect(outcome.failure?.denial == .upstreamTimeout)
            try await closed(upstream)
        }
    }

    @Test("bytes without end are ended at the deadline of the whole") func endless() async throws {
        try await with([.read, .send("HTTP/1.1 200 OK\r\n\r\n"), .flood(1 << 40)]) {
            $0.answerBytes = 1 << 40
        } _: { upstream, asker in
            let outcome = try await asker.ask("http://127.0.0.1:\(upstream.port)", total: .milliseconds(300)) {
                $1.isCounting = true
            }
            #expect(outcome.failure?.denial == .upstreamTimeout)
            try await closed(upstream)
        }
    }

    @Test("heads without end are cut at their bound") func endlessHead() async throws {
        for head in [
            "HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\nX-Y: ", String(repeating: "HTTP/1.1 102 P\r\n\r\n", count: 10_000),
        ] {
            try await with([.read, .send(head), .flood(100 << 20)]) { upstream, asker in
                let outcome = try await asker.ask("http://127.0.0.1:\(upstream.port)")
                #expect(outcome.failure?.how.hasPrefix("an answer that is not HTTP/1.1") == true)
                #expect(try await upstream.counted { $0.flooded } < 20 << 20)
            }
        }
    }

    // MARK: Backpressure

    @Test("an upstream that floods is held back while nobody reads") func heldBack() async throws {
        let size = 64 << 20
        let script: [Act] = [.read, .send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n"), .flood(size)]
        try await with(script) { upstream, asker in
            let held = Mutex<NIOLoopBound<UpstreamExchange>?>(nil)
            async let answer = asker.ask("http://127.0.0.1:\(upstream.port)", total: .minutes(5)) {
                exchange, listener in
                listener.isCounting = true
                exchange.pauseReading()
                let bound = NIOLoopBound(exchange, eventLoop: asker.loop)
                held.withLock { $0 = bound }
            }
            // Until it has not been able to send anything for a while.
            var sent = (before: -1, now: 0)
            while sent.now == 0 || sent.now != sent.before {
                try await Task.sleep(for: .milliseconds(300))
                sent = (sent.now, try await upstream.counted { $0.flooded })
            }
            // What both kernels and the server's own queue take.
            #expect(sent.now < 8 << 20)
            _ = try await asker.look { _ in held.withLock { $0?.value.resumeReading() } }
            let outcome = try await answer
            #expect(outcome.failure == nil)
            #expect(try await upstream.counted { $0.flooded } == size)
        }
    }

    @Test("a call that is cancelled closes its connection") func cancelled() async throws {
        try await with([.read, .send("HTTP/1.1 200 OK\r\n\r\n"), .flood(1 << 40)]) { upstream, asker in
            let outcome = try await asker.ask("http://127.0.0.1:\(upstream.port)") { exchange, listener in
                let exchange = NIOLoopBound(exchange, eventLoop: asker.loop)
                let listener = NIOLoopBound(listener, eventLoop: asker.loop)
                asker.loop.scheduleTask(in: .milliseconds(100)) {
                    exchange.value.cancel()
                    listener.value.end()
                }
            }
            #expect(outcome.ends == 1 && outcome.failure == nil)
            try await closed(upstream)
            #expect(try await asker.look { $0.underWay } == 0)
        }
    }

    // MARK: TLS

    @Test("TLS to a name and to an address, and connections are kept", arguments: ["localhost", "127.0.0.1"])
    func secure(host: String) async throws {
        let script: [Act] = [.read, .send(Self.short), .read, .send(Self.short)]
        try await with(tls: TestCertificates.good, script) { upstream, asker in
            for _ in 0..<2 {
                let outcome = try await asker.ask("https://\(host):\(upstream.port)", body: Array("secret".utf8))
                #expect(outcome.failure == nil && outcome.text == "hi", "\(String(describing: outcome.failure))")
            }
            #expect(try await upstream.counted { $0.opened } == 1)
        }
    }

    @Test(
        "certificates that are not accepted, and why",
        arguments: [
            (TestCertificates.expired, "its certificate has expired, on 2021-01-01"),
            (TestCertificates.selfSigned, "its certificate is from an unknown issuer"),
            (TestCertificates.elsewhere, "its certificate is for another host name than localhost"),
        ])
    func notAccepted(certificate: String, how: String) async throws {
        try await with(tls: certificate, [.read, .send(Self.short)]) { upstream, asker in
            let outcome = try await asker.ask("https://localhost:\(upstream.port)", body: Array("secret".utf8))
            #expect(outcome.failure?.denial == .upstreamFailed)
            #expect(outcome.failure?.how.hasPrefix(how) == true, "\(outcome.failure?.how ?? "no failure")")
            #expect(try await upstream.counted { $0.requests } == 0, "nothing is sent to a stranger")
        }
    }

    @Test("what does not speak TLS, breaks it off, or is silent in it")
    func noTLS() async throws {
        try await with([.send("HTTP/1.1 400 Bad Request\r\n\r\n"), .wait(.seconds(60))]) { upstream, asker in
            let outcome = try await asker.ask("https://localhost:\(upstream.port)")
            #expect(outcome.failure == .failed("it does not speak TLS there", .tlsFailed))
        }
        try await with([.close]) { upstream, asker in
            let outcome = try await asker.ask("https://localhost:\(upstream.port)")
            #expect(outcome.failure?.denial == .upstreamFailed)
        }
        try await with([.wait(.seconds(60))]) {
            $0.connect = .milliseconds(300)
        } _: { upstream, asker in
            let outcome = try await asker.ask("https://localhost:\(upstream.port)")
            #expect(outcome.failure == .late("no connection within 300 ms"))
            try await closed(upstream)
        }
    }

    @Test("TLS that ends without its goodbye is no end of an answer without a length") func truncated() async throws {
        let script: [Act] = [.read, .send("HTTP/1.1 200 OK\r\n\r\nhalf a"), .wait(.milliseconds(50)), .reset]
        try await with(tls: TestCertificates.good, script) { upstream, asker in
            let outcome = try await asker.ask("https://localhost:\(upstream.port)")
            #expect(outcome.failure?.denial == .upstreamFailed)
        }
    }

    /// Waits until no connection is open; the deadline is only there to end a test that fails.
    private func closed(_ upstream: ScriptedUpstream) async throws {
        for _ in 0..<6_000 {
            if try await upstream.counted({ $0.open }) == 0 { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("a connection is left open")
    }
}
