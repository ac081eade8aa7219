import HTTP
import Hummingbird
import Line
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import Testing
import Values

@testable import Web

/// A server without sockets whose handlers end when the test lets them.
///
/// What is asked at `/body…` is answered when the body has been read, and `/stream…` is answered in two pieces.
final class Kitchen: Sendable {
    private struct State {
        var said: [String] = []
        var open: Set<String> = []
        var waiting: [String: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())
    let turns: RequestTurns

    init(perAddress: Int) { turns = RequestTurns(perAddress: perAddress) }

    /// What the handlers have come to, in order.
    var said: [String] { state.withLock { $0.said } }

    func say(_ text: String) { state.withLock { $0.said.append(text) } }

    /// Lets the handler of a path go on, now or when it comes there.
    func open(_ path: String) {
        let waiting = state.withLock { state in
            state.open.insert(path)
            return state.waiting.removeValue(forKey: path)
        }
        waiting?.resume()
    }

    fileprivate func pass(_ path: String) async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.open.contains(path) { state.waiting[path] = continuation }
                return state.open.contains(path)
            }
            if isOpen { continuation.resume() }
        }
    }

    private struct Cook: HTTPResponder {
        let kitchen: Kitchen

        func respond(to request: Request, context: WebContext) async throws -> Response {
            if let refusal = context.refusal { return Response(status: refusal.status) }
            let path = request.uri.path
            kitchen.say("begun \(path)")
            if path.hasPrefix("/body") {
                do {
                    _ = try await request.body.collect(upTo: 100)
                } catch {
                    kitchen.say("broken \(path)")
                    return Response(status: .badRequest)
                }
                kitchen.say("read \(path)")
            }
            if path.hasPrefix("/stream") {
                return Response(
                    status: .ok,
                    body: ResponseBody { [kitchen] writer in
                        try await writer.write(ByteBuffer(string: "one"))
                        kitchen.say("went on \(path)")
                        try await writer.write(ByteBuffer(string: "two"))
                        try await writer.finish(nil)
                    })
            }
            await kitchen.pass(path)
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "done \(path)")))
        }
    }

    /// A connection, and what it has said.
    func connection(from address: String = "198.51.100.1") async throws -> NIOAsyncTestingChannel {
        let responder = RoutedResponder(
            Cook(kitchen: self), turns: turns, probes: ["/probe"], logger: Logger(label: "test"))
        let lines = Lines(
            dataPlane: nil, responder: responder, proxies: TrustedProxies([]), connections: Shares(limit: 100),
            receiving: Shares(limit: 1 << 20))
        let channel = NIOAsyncTestingChannel()
        try await channel.connect(to: SocketAddress(ipAddress: address, port: 1))
        try await channel.testingEventLoop.executeInContext { try lines.accept(channel) }
        return channel
    }

    /// Waits until the handlers have come to exactly this, in whatever order: each runs in a task of its own.
    func comes(to said: [String], _ channels: [NIOAsyncTestingChannel]) async throws {
        for _ in 0..<2000 where self.said.sorted() != said.sorted() {
            for channel in channels { await channel.testingEventLoop.run() }
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(self.said.sorted() == said.sorted())
    }
}

extension NIOAsyncTestingChannel {
    func ask(_ path: String, more: String = "") async throws {
        let method = more.isEmpty ? "GET" : "POST"
        try await writeInbound(ByteBuffer(string: "\(method) \(path) HTTP/1.1\r\nHost: x\r\n\(more)\r\n"))
        await testingEventLoop.run()
    }

    func say(_ text: String) async throws {
        try await writeInbound(ByteBuffer(string: text))
        await testingEventLoop.run()
    }

    /// All that comes until this has come.
    func hear(until end: String) async throws -> String {
        var text = ""
        while !text.contains(end) { text += String(buffer: try await waitForOutboundWrite(as: ByteBuffer.self)) }
        return text
    }
}
