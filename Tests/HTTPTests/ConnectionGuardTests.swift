import HTTPTypes
import JSON
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Synchronization
import Testing

@testable import HTTP

/// The guard on a channel without sockets, whose clock the test turns.
@Suite("The guard of a connection")
struct ConnectionGuardTests {
    private let callers = Callers()
    private let channel: EmbeddedChannel

    init() throws {
        channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(ConnectionGuard(callers: callers))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private func receive(_ part: HTTPRequestPart) throws { try channel.writeInbound(part) }

    private func head(authority: String? = "localhost", fields: HTTPFields = [:]) -> HTTPRequestPart {
        .head(HTTPRequest(method: .post, scheme: "http", authority: authority, path: "/", headerFields: fields))
    }

    private func answer() throws {
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    private func pass(_ seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }

    @Test("a connection without a request ends, one between requests a while after the last") func idle() throws {
        pass(60)
        #expect(channel.isActive)
        try receive(head())
        try receive(.end(nil))
        try answer()
        pass(60)
        #expect(channel.isActive)
        pass(30)
        #expect(!channel.isActive)
    }

    @Test("a body that doesn't end in time ends the connection, however steadily it drips") func slowBody() throws {
        try receive(head())
        for _ in 0..<7 {
            pass(10)
            if channel.isActive { try receive(.body(ByteBuffer(string: "x"))) }
        }
        #expect(!channel.isActive)
    }

    @Test("an answer may take as long as it takes") func slowAnswer() throws {
        try receive(head())
        try receive(.end(nil))
        pass(3600)
        #expect(channel.isActive)
    }

    @Test("a caller who takes nothing for a minute is let go") func stalled() throws {
        try receive(head())
        try receive(.end(nil))
        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        pass(50)
        #expect(channel.isActive)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        pass(120)
        #expect(channel.isActive)
        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        pass(70)
        #expect(!channel.isActive)
    }

    @Test("after a refusal only so much of the body is read") func drain() throws {
        try receive(head())
        try answer()
        let chunk = HTTPRequestPart.body(ByteBuffer(repeating: 0, count: 1 << 20))
        for _ in 0..<16 { try receive(chunk) }
        #expect(channel.isActive)
        try receive(chunk)
        #expect(!channel.isActive)
    }

    @Test("no Host, or a second one, is refused and ends the connection", arguments: [false, true])
    func host(isDoubled: Bool) throws {
        var fields = HTTPFields()
        if isDoubled, let host = HTTPField.Name("Host") {
            fields.append(HTTPField(name: host, value: "elsewhere"))
        }
        try receive(head(authority: isDoubled ? "localhost" : nil, fields: fields))
        guard case .head(let response)? = try channel.readOutbound(as: HTTPResponsePart.self) else {
            Issue.record("there is no answer")
            return
        }
        #expect(response.status == .badRequest)
        #expect(!channel.isActive)
        #expect(try channel.readInbound(as: HTTPRequestPart.self) == nil)
    }

    @Test("whoever waits for this caller is told when they leave") func leaving() async throws {
        let work = Task { [callers, channel] in
            try await callers.whilePresent(on: channel, until: .distantFuture) {
                try await Task.sleep(for: .seconds(60))
            }
        }
        try await Task.sleep(for: .milliseconds(50))
        channel.pipeline.fireChannelInactive()
        await #expect(throws: CancellationError.self) { try await work.value }
    }
}
