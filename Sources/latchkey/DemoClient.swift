import HTTP
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Values

/// Calls the demo's server as any client would, with a connection for each call.
struct DemoClient {
    let address: String

    struct Answer {
        let headers: [(name: String, value: String)]
        let body: JSONObject

        func text(_ name: String) -> String? { body[name]?.string?.string }

        func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }

        func number(_ name: String) throws -> String {
            guard case .number(let number)? = body[name] else { throw DemoFailure("an answer had no \(name)") }
            return number.literal
        }

        func required(_ name: String) throws -> String {
            guard let text = text(name) else { throw DemoFailure("an answer had no \(name)") }
            return text
        }

        /// What a chat answer says: the content, or the error's message.
        var saying: String? {
            body["error"]?.object?["message"]?.string?.string
                ?? body["choices"]?.array?.first?.object?["message"]?.object?["content"]?.string?.string
        }
    }

    @discardableResult
    func call(
        _ method: HTTPMethod, _ path: String, _ body: JSON? = nil, bearer: String? = nil,
        headers: [(String, String)] = [], expecting status: Int
    ) async throws -> Answer {
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
        let bytes = ByteBuffer(bytes: body?.encoded() ?? [])
        head.headers.add(name: "content-length", value: String(bytes.readableBytes))
        if body != nil { head.headers.add(name: "content-type", value: "application/json") }
        if let bearer { head.headers.add(name: "authorization", value: "Bearer " + bearer) }
        for (name, value) in headers { head.headers.add(name: name, value: value) }
        let response = try await send(head, bytes)
        guard Int(response.head.status.code) == status else {
            throw DemoFailure(
                "\(method.rawValue) \(path) answered \(response.head.status.code) where \(status) was expected")
        }
        let json = try response.body.map { try JSON.parse($0.readableBytesView) } ?? .object([:])
        return Answer(headers: response.head.headers.map { ($0.name, $0.value) }, body: json.object ?? [:])
    }

    private func send(_ head: HTTPRequestHead, _ body: ByteBuffer) async throws -> NIOHTTPClientResponseFull {
        guard let (host, port) = place else { throw DemoFailure("\(address) is no address") }
        var head = head
        head.headers.add(name: "host", value: "\(host):\(port)")
        head.headers.add(name: "connection", value: "close")
        let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(5))
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandlers([
                        IdleStateHandler(readTimeout: .seconds(30)), EndOfPatience(),
                        NIOHTTPClientResponseAggregator(maxContentLength: 1 << 20),
                    ])
                    return try NIOAsyncChannel<NIOHTTPClientResponseFull, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await connection.executeThenClose { answers, requests in
            try await requests.write(.head(head))
            try await requests.write(.body(.byteBuffer(body)))
            try await requests.write(.end(nil))
            for try await answer in answers { return answer }
            throw DemoFailure("\(head.method.rawValue) \(head.uri) was not answered")
        }
    }

    /// Host and port of the address, which is one that the server said itself: `http://127.0.0.1:8080`.
    private var place: (host: String, port: Int)? {
        let parts = address.split(separator: "/").last?.split(separator: ":") ?? []
        guard parts.count == 2, let port = Int(parts[1]) else { return nil }
        return (String(parts[0]), port)
    }
}

/// Ends a connection on which nothing came for as long as its idle handler waits.
private final class EndOfPatience: ChannelInboundHandler {
    typealias InboundIn = Any

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
