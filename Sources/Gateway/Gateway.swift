package import Calls
import Catalog
package import Credentials
import HTTP
import HTTPTypes
package import Line
package import Logging
package import Metering
package import NIOCore
import Policy
package import Secrets
package import Values
package import Wire

/// The data plane: what programs call with their key.
///
/// It is served on the event loop of the connection that a call came on, by bare SwiftNIO. A call runs one way
/// (``CallExchange``): the key out of the head, `Calls` for what it may, a hold of `Metering`, the app's prompt and model
/// spliced into the caller's bytes, the upstream, the charge, and the answer passed on as it comes. For a key that is
/// known nothing of it leaves the event loop, but for the commit of the charge.
///
/// This room owns the routes of the data plane (`Calling`), the shapes in which programs ask and are answered
/// (`Dialects`), our connections to providers (`Upstream`), and the built-in upstream (`Echo`). It must not know a table or
/// a rule: what a key may do is decided by `Calls`, and what its credits cover by `Metering`. It knows no web framework:
/// what is no route of its own, the line gives to somebody else.
///
/// One rule says what is charged (design §7): a call is charged once the dialect has seen content in a successful answer,
/// even if the caller leaves. Before that it costs nothing.
package final class Gateway: DataPlane {
    package struct Bounds: Sendable {
        /// The largest body that a caller may send, in bytes.
        package var requestBytes = 32 << 20
        /// The longest time for a whole answer.
        package var total: TimeAmount = .seconds(1800)

        package init() {}
    }

    /// Up to so many bytes an answer is taken in whole before any of it goes out: one write instead of three, and an
    /// upstream that breaks off in the middle becomes a clear refusal instead of a cut connection.
    static let shortAnswer = 64 * 1024

    let calls: Calls
    let credentials: Credentials
    let metering: Metering
    let places: CallPlaces
    let bounds: Bounds
    let clock: Clock
    let passes: PagePasses
    private let upstreams: UpstreamPools
    private let wakes: [ObjectIdentifier: Wake]
    private let logger: Logger

    /// - Parameters:
    ///   - places: among the calls under way.
    ///   - passes: of the console's pages.
    ///   - loops: all that lines may be on.
    package init(
        calls: Calls, credentials: Credentials, metering: Metering, upstreams: UpstreamPools,
        places: CallPlaces, bounds: Bounds, passes: PagePasses, clock: Clock, loops: any EventLoopGroup, logger: Logger
    ) {
        self.calls = calls
        self.credentials = credentials
        self.metering = metering
        self.upstreams = upstreams
        self.places = places
        self.bounds = bounds
        self.clock = clock
        self.passes = passes
        self.logger = logger
        var wakes: [ObjectIdentifier: Wake] = [:]
        for loop in loops.makeIterator() { wakes[ObjectIdentifier(loop)] = Wake { work in loop.execute(work) } }
        self.wakes = wakes
    }

    /// Every route, as `openapi.yaml` writes it.
    package static var routes: [(method: String, path: String)] { GatewayRoute.all }

    /// Where the callbacks of this loop's charges run.
    func wake(_ loop: any EventLoop) -> Wake {
        guard let wake = wakes[ObjectIdentifier(loop)] else { preconditionFailure("an event loop of another group") }
        return wake
    }

    // MARK: Messages

    package func exchange(for head: RequestHead, on line: Line) -> (any LineExchange)? {
        let path = head.path
        guard GatewayRoute.isOurs(path) else { return nil }
        var reply = Reply(to: head, on: line, in: OpenAIDialect(), logger: logger)
        do {
            return try exchange(for: head, at: path, on: line, &reply)
        } catch {
            // What asks for no key in the right shape gets no receipt; a call does, also one that goes no further.
            reply.refuse(error, head.method == .post ? Receipt.none : [:])
            return IdleExchange()
        }
    }

    private func exchange(
        for head: RequestHead, at path: ByteBufferView, on line: Line, _ reply: inout Reply
    ) throws -> any LineExchange {
        if let query = head.query,
            let refusal = AddressCredentials.refusal(query: String(decoding: query, as: UTF8.self))
        {
            throw refusal
        }
        if path.hasEmptySegment { throw Problem.emptyPathSegment }
        if head.method == .options, head.fields.count("origin") > 0,
            head.fields.count("access-control-request-method") > 0
        {
            reply.sendPreflight()
            return IdleExchange()
        }
        guard let route = GatewayRoute(path: path) else { throw GatewayRoute.absence(at: path) }
        reply.route = route.template
        let isAllowed = head.method == route.operation.method || head.method == .head && route.operation.method == .get
        guard isAllowed else {
            let allowed = route.operation.method == .get ? ["GET", "HEAD"] : [route.operation.method.rawValue]
            throw Problem.methodNotAllowed(Set(allowed))
        }
        switch route.operation {
        case .chatCompletion:
            let exchange = try CallExchange(OpenAIChat(), head, route, on: line, reply: reply, of: self)
            exchange.start()
            return exchange
        case .models, .usage:
            let question = try Question(head, route, client: line.client, of: self)
            return QuestionExchange(question, reply)
        }
    }

    // MARK: Refusals

    /// A key that is wrong in a way that anybody can see is told how.
    func explained(_ error: any Error, _ bearer: String) -> any Error {
        guard error as? Denial == .invalidKey else { return error }
        return KeyFault(in: Text(bearer), shape: credentials.shape)?.problem ?? Denial.invalidKey.problem
    }

    /// A model that the key may not name is told which it may.
    func explained(_ error: any Error, _ key: OpenedKey) -> any Error {
        guard let denial = error as? Denial, denial == .modelNotFound || denial == .modelNotAllowed else {
            return error
        }
        var problem = denial.problem
        let usable = key.models.map(\.name.string)
        let named = usable.prefix(Self.namedModels)
        let more = usable.count - named.count
        problem.detail +=
            usable.isEmpty
            ? " There is none that it may use."
            : " This key may use: " + named.joined(separator: ", ")
                + (more > 0 ? ", and \(more) more (GET /v1/models)." : ".")
        return problem
    }

    /// How many models a refusal names at most.
    private static let namedModels = 20

    // MARK: Upstreams

    /// Sends a call to its provider.
    func ask(
        _ call: UpstreamCall, _ base: BaseURL, _ secret: Secret?, passing caller: RequestHead, withoutKey key: String,
        for exchange: CallExchange
    ) throws(UnwritableField) -> UpstreamExchange {
        let body = call.body
        let head = try ProviderHead.bytes(
            to: base, path: call.path, secret: secret, bodyBytes: body.reduce(0) { $0 + $1.readableBytes },
            passing: caller.fields, withoutKey: key)
        let loop = exchange.loop
        return upstreams[loop].send(
            UpstreamRequest(head: head, body: body, end: loop.now + bounds.total), to: base.origin, for: exchange)
    }
}

/// Of a message that was answered at once: what still comes of it is nobody's.
final class IdleExchange: LineExchange {
    func received(_ bytes: ByteBuffer) {}
    func receivedAll() {}
    func callerLeft() {}
}

extension ByteBufferView {
    /// Two slashes in a row: a proxy that guards a path may not see one that has a gap, and a router that skips it would.
    fileprivate var hasEmptySegment: Bool {
        var wasSlash = false
        for byte in self {
            if byte == UInt8(ascii: "/"), wasSlash { return true }
            wasSlash = byte == UInt8(ascii: "/")
        }
        return false
    }
}
