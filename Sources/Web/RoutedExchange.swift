import HTTP
import HTTPTypes
import Hummingbird
import Line
import Logging
import NIOCore
import Wire

/// One message that Hummingbird's router answers. It lives on the connection's event loop; the handler runs in a task of
/// its own, once it is this message's turn, and comes back here for each thing that it does.
final class RoutedExchange: LineExchange {
    private let line: Line
    private let turn: RequestTurn
    private let served: RoutedResponder
    private var body: RequestBytes.Producer.Source?
    private var hasBegun = false
    /// The handler waits for the rest of the body. Meanwhile it is another's turn.
    private var isAwaitingBody = false
    /// Nothing may be said to the line any more: the answer has ended, or the caller has left.
    private var isOver = false

    init(_ head: RequestHead, on line: Line, _ turn: RequestTurn, served: RoutedResponder) {
        self.line = line
        self.turn = turn
        self.served = served
        let request = Request(head: HTTPRequest(head), body: requestBody(head))
        turn.take {
            self.answer(request)
        } tooLate: {
            self.answer(request, .overloaded)
        }
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

    /// - Parameter refusal: what is said instead of being served.
    private func answer(_ request: Request, _ refusal: Problem? = nil) {
        hasBegun = true
        var context = WebContext(
            source: ApplicationRequestContextSource(channel: line.channel, logger: served.logger))
        context.client = line.client
        context.refusal = refusal
        let writer = AnswerWriter(NIOLoopBound(self, eventLoop: line.eventLoop), line.eventLoop)
        Task { [context, responder = served.responder] in
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
        guard !isOver else { return }
        if body != nil {
            isAwaitingBody = true
            turn.giveUp()
        }
        line.sendContinue()
    }

    private func moreIsWanted() {
        if !isOver { line.resumeBody() }
    }

    /// Begins an answer that more will follow of.
    /// - Parameter promise: is kept when these bytes were taken.
    func begin(_ head: AnswerHead, _ body: ByteBuffer, _ promise: EventLoopPromise<Void>) {
        guard !isOver else { return promise.fail(ChannelError.ioOnClosedChannel) }
        line.answer(head, body, isWhole: false, promise: away(until: promise))
    }

    func write(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>) {
        guard !isOver else { return promise.fail(ChannelError.ioOnClosedChannel) }
        line.write(bytes, promise: away(until: promise))
    }

    /// It is another's turn while the caller takes what was written, which may be slow.
    private func away(until promise: EventLoopPromise<Void>) -> EventLoopPromise<Void> {
        turn.giveUp()
        let taken = line.eventLoop.makePromise(of: Void.self)
        taken.futureResult.assumeIsolated().whenComplete { [turn] result in
            switch result {
            case .success: turn.take { promise.succeed() }
            case .failure(let error): promise.fail(error)
            }
        }
        return taken
    }

    /// The whole answer; the handler is done.
    func answer(_ head: AnswerHead, _ body: ByteBuffer?) {
        turn.end()
        guard !isOver else { return }
        finishBody()
        line.answer(head, body, isWhole: true)
    }

    /// The handler has written all of an answer.
    func end() {
        turn.end()
        guard !isOver else { return }
        finishBody()
        line.end()
    }

    /// The handler couldn't write its answer to the end.
    func fail() {
        turn.end()
        guard !isOver else { return }
        finishBody()
        line.abort()
    }

    private func finishBody() {
        isOver = true
        endBody(HTTPError(.badRequest))
    }

    // MARK: From the line

    func received(_ bytes: ByteBuffer) {
        if case .stopProducing? = body?.yield(bytes) { line.pauseBody() }
    }

    func receivedAll() {
        guard isAwaitingBody else { return endBody() }
        isAwaitingBody = false
        turn.take {
            self.endBody()
        } tooLate: {
            self.endBody(Problem.overloaded)
        }
    }

    private func endBody(_ error: (any Error)? = nil) {
        if let error { body?.finish(error) } else { body?.finish() }
        body = nil
    }

    /// What has begun is done all the same, so the caller gets its answer. Before that it counts as gone, or a flood that
    /// has ended would have its turns for as long as it was long.
    func callerClosedItsHalf() -> Bool { !hasBegun }

    func callerLeft() {
        // What has begun is done to its end, and has its turn until then.
        if !hasBegun { turn.end() }
        // With an error: a plain end would look like the end of the body.
        finishBody()
    }

    func tick(_ now: NIODeadline) { turn.tick(now) }
}
