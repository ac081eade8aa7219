import HTTPTypes
import JSON
package import NIOCore
import NIOHTTP1
package import NIOHTTPTypes
import Values

/// Limits what one connection may cost, below the first handler.
///
/// - A request that can't be parsed (too many headers, bad framing, no Host or two) gets an answer with a body that says
///   so, then the end of the connection: what follows on it can't be trusted. Hummingbird alone answers with an empty 400.
/// - A head, and the body after it, must arrive whole within a deadline: a client that sends a byte now and then holds a
///   connection no longer than one that sends nothing.
/// - A caller who takes nothing of an answer for too long is let go, and so is whatever was being fetched for them.
/// - After an early refusal the rest of the body is read and dropped, so that the client gets to see the refusal, but
///   only so much of it.
///
/// One repeating tick a connection looks at the deadlines; a timer per request would cost more than the requests.
package final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPRequestPart
    package typealias InboundOut = HTTPRequestPart
    package typealias OutboundIn = HTTPResponsePart
    package typealias OutboundOut = HTTPResponsePart

    package struct Bounds: Sendable {
        /// The longest a connection may be open without a whole request head: idle between requests, or slow.
        package var head: TimeAmount = .seconds(75)
        /// The longest from a head to the end of its body.
        package var body: TimeAmount = .seconds(60)
        /// The longest a caller may take nothing while there is something to take.
        package var stall: TimeAmount = .seconds(60)
        /// How much of a refused body is read and dropped before the connection ends.
        package var drain = 16 * 1024 * 1024

        package init() {}
    }

    private enum Phase {
        case awaitingHead(since: NIODeadline)
        case receivingBody(since: NIODeadline)
        case awaitingAnswer
    }

    private let callers: Callers
    private let bounds: Bounds
    private var phase = Phase.awaitingHead(since: .now())
    private var stalledSince: NIODeadline?
    private var answersOwed = 0
    private var drained = 0
    private var isRefused = false
    private var lingersUntil: NIODeadline?
    private var tick: RepeatedTask?

    /// - Parameter callers: is told when the caller of this connection leaves.
    package init(callers: Callers, bounds: Bounds = Bounds()) {
        self.callers = callers
        self.bounds = bounds
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        phase = .awaitingHead(since: context.eventLoop.now)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        tick = context.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(5), delay: .seconds(5)) { _ in
            let (handler, context) = bound.value
            handler.checkDeadlines(context)
        }
    }

    package func handlerRemoved(context: ChannelHandlerContext) { stop() }

    package func channelInactive(context: ChannelHandlerContext) {
        stop()
        callers.left(context.channel)
        context.fireChannelInactive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefused { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard Self.hasOneHost(head) else {
                refuse(context, .malformed("A request needs exactly one Host header."))
                return
            }
            guard Self.hasPlainPath(head) else {
                refuse(
                    context,
                    .malformed("The address has a character that must be written as % and two hexadecimal digits."))
                return
            }
            answersOwed += 1
            drained = 0
            phase = .receivingBody(since: context.eventLoop.now)
        case .body(let bytes):
            if answersOwed == 0 {
                drained += bytes.readableBytes
                if drained > bounds.drain {
                    context.close(promise: nil)
                    return
                }
            }
        case .end:
            phase = answersOwed == 0 ? .awaitingHead(since: context.eventLoop.now) : .awaitingAnswer
        }
        context.fireChannelRead(data)
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            answersOwed = max(0, answersOwed - 1)
            if case .awaitingAnswer = phase, answersOwed == 0 { phase = .awaitingHead(since: context.eventLoop.now) }
        }
        context.write(data, promise: promise)
    }

    /// Not writable: what was written so far has not been taken yet.
    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        stalledSince = context.channel.isWritable ? nil : context.eventLoop.now
        context.fireChannelWritabilityChanged()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError else {
            context.fireErrorCaught(error)
            return
        }
        // What follows on it breaks the parser again; one request has one answer.
        if isRefused { return }
        let problem: Problem =
            switch error as? HTTPParserError {
            case .headerOverflow:
                Problem(
                    .requestHeaderFieldsTooLarge, "request_header_fields_too_large",
                    "The request head has more than 1,000 fields or 80 KiB.")
            // One that the parser has no name for; which address it was for is lost with the rest.
            case .invalidMethod: .methodNotAllowed(["DELETE", "GET", "HEAD", "PATCH", "POST"])
            default: .malformed("This is not a well-formed HTTP/1.1 request.")
            }
        refuse(context, problem)
    }

    /// RFC 9112 §3.2: none, or more than one, is answered with 400. The codec below has made the first the authority.
    private static func hasOneHost(_ head: HTTPRequest) -> Bool {
        head.authority?.isEmpty == false && !head.headerFields.contains { $0.name.canonicalName == "host" }
    }

    /// RFC 3986 §2: visible ASCII. Nothing behind this looks at anything else, which could cost more than its length.
    private static func hasPlainPath(_ head: HTTPRequest) -> Bool {
        head.path?.utf8.allSatisfy { (0x21...0x7E).contains($0) } ?? true
    }

    private func refuse(_ context: ChannelHandlerContext, _ problem: Problem) {
        isRefused = true
        // In the middle of an answer, behind others or after an early one, there is no place for one more.
        guard answersOwed == 0, case .awaitingHead = phase else {
            context.close(promise: nil)
            return
        }
        answerUnparsable(context, problem)
        // Closing in full with bytes unread resets the connection, and the answer is lost on the way. So only our half is
        // closed; what comes is dropped until the caller is done, or a little while is over.
        lingersUntil = context.eventLoop.now + .seconds(5)
        context.close(mode: .output, promise: nil)
    }

    private func answerUnparsable(_ context: ChannelHandlerContext, _ problem: Problem) {
        let answer = ProblemDialect().answer(problem)
        var headers = answer.headers
        headers[.connection] = "close"
        headers.addCommon(requestID: RequestID.random())
        // The head is lost, and with it the path: the body says it in both shapes.
        let body = ByteBuffer(bytes: JSON.object(problem.inBothShapes).encoded())
        headers[.contentLength] = String(body.readableBytes)
        context.write(wrapOutboundOut(.head(HTTPResponse(status: problem.status, headerFields: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// A caller that closes its half while it is owed an answer has left; no client of HTTP/1.1 does so to say that its
    /// request is complete. (nginx takes it so as well.)
    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed, answersOwed > 0 || isRefused {
            context.close(promise: nil)
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func checkDeadlines(_ context: ChannelHandlerContext) {
        let now = context.eventLoop.now
        let isOver =
            switch phase {
            case .awaitingHead(let since): now - since > bounds.head
            case .receivingBody(let since): now - since > bounds.body
            case .awaitingAnswer: false
            }
        let isStalled = stalledSince.map { now - $0 > bounds.stall } ?? false
        let isLingering = lingersUntil.map { now > $0 } ?? false
        if isOver || isStalled || isLingering { context.close(promise: nil) }
    }

    private func stop() {
        tick?.cancel()
        tick = nil
    }
}

extension Problem {
    fileprivate static func malformed(_ sentence: String) -> Problem {
        Problem(.badRequest, "malformed_request", sentence)
    }

    /// RFC 9457 members and OpenAI's `error` member in one object, for when nobody can know which one is read.
    fileprivate var inBothShapes: JSONObject {
        [
            "type": .string("urn:latchkey:problem:" + code),
            "title": .string(status.reasonPhrase),
            "status": .number(JSONNumber(Int64(status.code))),
            "detail": .string(detail),
            "code": .string(code),
            "error": [
                "message": .string(detail), "type": "invalid_request_error", "param": nil, "code": .string(code),
            ],
        ]
    }
}
