import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Logging
import ManagementAPI
import NIOCore
import NIOEmbedded
import TestSupport
import Values
import Web

/// The management API behind its router and front door, in process: everything but the sockets.
struct ManagementRouter {
    let house: ManagementHouse
    let methods: MethodTable
    private let responder: any HTTPResponder<WebContext>

    init(_ house: ManagementHouse) {
        self.house = house
        var routes = Routes()
        ManagementAPI(house.management).declare(&routes)
        methods = routes.methods
        let door = FrontDoor { [methods] path in methods.refusal(at: path) ?? .notFound }
        responder = routes.router(behind: door).buildResponder()
    }

    /// The connection that all calls seem to come by. One for the whole run: its loop must not end on a thread of its own.
    private static let channel = NIOAsyncTestingChannel()

    /// What an answer says.
    struct Answer {
        let status: Int
        let headers: HTTPFields
        let body: JSON?

        var code: String? { body?.object?["code"]?.string?.string }
    }

    /// - Parameters:
    ///   - json: the body; `nil` for none.
    ///   - token: a platform token.
    func call(
        _ method: HTTPRequest.Method, _ path: String, json: String? = nil, token: String? = nil,
        headers more: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = more
        if json != nil { headers[.contentType] = "application/json" }
        if let token { headers[.authorization] = "Bearer " + token }
        let head = HTTPRequest(
            method: method, scheme: "http", authority: "latchkey.test", path: path, headerFields: headers)
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(string: json ?? "")))
        let context = WebContext(
            source: ApplicationRequestContextSource(
                channel: Self.channel, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        let response = try await responder.respond(to: request, context: context)
        let written = Written()
        try await response.body.write(Collector(written: written))
        let bytes = await written.bytes
        return Answer(
            status: response.status.code, headers: response.headers,
            body: bytes.isEmpty ? nil : try JSON.parse(bytes))
    }

    private actor Written {
        private(set) var bytes: [UInt8] = []
        func add(_ buffer: ByteBuffer) { bytes += buffer.readableBytesView }
    }

    private struct Collector: ResponseBodyWriter {
        let written: Written

        mutating func write(_ buffer: ByteBuffer) async throws { await written.add(buffer) }
        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
