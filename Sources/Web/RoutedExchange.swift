import HTTP
import HTTPTypes
import Hummingbird
import Line
import Logging
import NIOCore
import Wire

/// One message that Hummingbird's router answers. It lives on the connection's event loop; the handler runs in a task of
/// its own and comes back here for each thing that it does.
final class RoutedExchange: LineExchange {
    private let line: Line
    private let channel: any Channel
    private var body: RequestBytes.Producer.Source?
    /// Nothing may be said to the line any more: the answer has ended, or the caller has left.
    private var isOver = false

    init(_ head: RequestHead, on line: Line, served: RoutedResponder) {
        self.line = line
        channel = line.channel
        let request = HTTPRequest(head)
        var context = WebContext(
            source: ApplicationRequestContextSource(channel: line.channel, logger: served.logger))
        context.client = line.client
        let bytes = requestBody(head)
        answer(Request(head: request, body: bytes), context, served.responder)
    }

    /// Takes the body as it comes; of a message without one there is nothing to take.
    private func requestBody(_ head: RequestHead) -> RequestBody {
        if head.framing == .none { return RequestBody(buffer: ByteBuffer()) }
        let bound = NIOLoopBound(self, eventLoop: line.eventLoop)
        let (source, bytes) = RequestBytes.make(
            first: { [loop = line.eventLoop] in loop.execute { bound.value.bodyIsWanted() } },
            more: { [loop = line.eventLoop] in loop.execute { bound.value.moreIsWanted() } })
        body = source
        return RequestBody(asyncSequence: bytes)
    }

    private func answer(_ request: Request, _ context: WebContext, _ responder: any HTTPResponder<WebContext>) {
        let writer = AnswerWriter(NIOLoopBound(self, eventLoop: line.eventLoop), line.eventLoop)
        Task {
            do {
                let response: Response
                do {
                    response = try await responder.respond(to: request, context: context)
                } catch {
                    // The front door makes an answer of whatever is thrown, so this is a defect.
                    context.logger.error("no answer", metadata: ["error": "\(type(of: error))"])
                    response = Response(status: .internalServerError)
                }
                try await response.body.write(writer.begun(response.head, length: response.body.contentLength))
            } catch {
                writer.fail()
            }
        }
    }

    // MARK: From the handler

    private func bodyIsWanted() {
        if !isOver { line.sendContinue() }
    }

    private func moreIsWanted() {
        if !isOver { line.resumeBody() }
    }

    /// - Parameter promise: is kept when these bytes were taken.
    func begin(_ head: AnswerHead, _ body: ByteBuffer?, isWhole: Bool, _ promise: EventLoopPromise<Void>?) {
        guard !isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        if isWhole { finishBody() }
        line.answer(head, body, isWhole: isWhole, promise: promise)
    }

    func write(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>) {
        guard !isOver else {
            promise.fail(ChannelError.ioOnClosedChannel)
            return
        }
        line.write(bytes, promise: promise)
    }

    func end() {
        guard !isOver else { return }
        finishBody()
        line.end()
    }

    /// The handler couldn't write its answer to the end.
    func fail() {
        guard !isOver else { return }
        finishBody()
        line.abort()
    }

    private func finishBody() {
        isOver = true
        body?.finish(HTTPError(.badRequest))
        body = nil
    }

    // MARK: From the line

    func received(_ bytes: ByteBuffer) {
        if case .stopProducing? = body?.yield(bytes) { line.pauseBody() }
    }

    func receivedAll() {
        body?.finish()
        body = nil
    }

    /// What was asked for is done all the same, so the caller gets its answer.
    func callerClosedItsHalf() -> Bool { false }

    func callerLeft() {
        // With an error: a plain end would look like the end of the body.
        finishBody()
    }
}
