import Accounts
import HTTP
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Secrets
import TestSupport
import Values
import Web

@testable import Console

/// The console behind its router and front door, in process, as one browser sees it: it keeps cookies and sends forms.
final class ConsoleRouter {
    let house: ManagementHouse
    let console: Console
    private let responder: any HTTPResponder<WebContext>
    private(set) var cookies: [String: String] = [:]
    var language = "en"

    init(_ house: ManagementHouse) throws {
        self.house = house
        console = try Console(
            house.management, passes: DeploymentSecrets.test.pagePasses, entropy: .system,
            clock: house.platform.hand.clock)
        var routes = Routes()
        console.declare(&routes)
        let door = FrontDoor { [methods = routes.methods] path in
            methods.refusal(at: path) ?? .notFound
        } saying: { [console] problem, request, context in
            console.response(problem, request, context)
        }
        responder = routes.router(behind: door).buildResponder()
    }

    private static let channel = NIOAsyncTestingChannel()
    private static let proto = HTTPField.Name("X-Forwarded-Proto")!

    /// What an answer says.
    struct Answer {
        let status: Int
        let headers: HTTPFields
        let html: String

        var location: String? { headers[.location] }

        /// The token in the page's forms.
        var csrf: String? {
            html.firstRange(of: "name=\"csrf\" value=\"").map { range in
                String(html[range.upperBound...].prefix { $0 != "\"" })
            }
        }
    }

    func get(_ path: String, _ more: HTTPFields = [:]) async throws -> Answer { try await call(.get, path, more) }

    /// Sends a form from a page of ours.
    /// - Parameter origin: `nil` for a browser that doesn't say; it then says where the page is by `Sec-Fetch-Site`.
    func post(
        _ path: String, _ fields: [(String, String)], origin: String? = "https://latchkey.test",
        _ more: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = more
        headers[.contentType] = "application/x-www-form-urlencoded"
        headers[.origin] = origin
        let body = fields.map { "\(Self.escaped($0.0))=\(Self.escaped($0.1))" }.joined(separator: "&")
        return try await call(.post, path, headers, body)
    }

    /// Somebody signs in, and the page that they then see gives its token.
    func signIn(_ user: User) async throws {
        _ = try await post(
            "/console/sign-in", [("email", user.email), ("password", ManagementHouse.password)])
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }.joined()
    }

    func call(
        _ method: HTTPRequest.Method, _ path: String, _ more: HTTPFields, _ body: String = ""
    ) async throws -> Answer {
        var headers = more
        if headers[.acceptLanguage] == nil { headers[.acceptLanguage] = language }
        // As a proxy with TLS says it.
        if headers[Self.proto] == nil { headers[Self.proto] = "https" }
        if !cookies.isEmpty { headers[.cookie] = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ") }
        let head = HTTPRequest(
            method: method, scheme: "https", authority: "latchkey.test", path: path, headerFields: headers)
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(string: body)))
        let context = WebContext(
            source: ApplicationRequestContextSource(
                channel: Self.channel, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        let response = try await responder.respond(to: request, context: context)
        for setting in response.headers[values: .setCookie] { keep(setting) }
        let written = Written()
        try await response.body.write(Collector(written: written))
        return Answer(
            status: response.status.code, headers: response.headers,
            html: String(decoding: await written.bytes, as: UTF8.self))
    }

    func forget(_ cookie: String) { cookies[cookie] = nil }

    /// Keeps a cookie whose value stands for nothing any more.
    func forge(_ cookie: String) { cookies[cookie] = "gone" }

    private func keep(_ setting: String) {
        let parts = setting.split(separator: ";")
        let pair = parts[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        cookies[pair[0]] = setting.contains("Max-Age=0") ? nil : pair[1]
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
