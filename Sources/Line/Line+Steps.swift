import HTTP
import NIOCore
import Values
import Wire

/// What the state says is to be done, is done here.
extension Line {
    /// - Parameter turns: how many messages may be begun; none, unless a socket is what this comes from.
    func pump(turns: Int = 0) {
        guard !isPumping, let context else { return }
        isPumping = true
        var turns = turns
        while let step = state.next(isWritable: channel.isWritable, turns: &turns) { perform(step, context) }
        isPumping = false
        if !waitsForTurn, state.wantsTurn(isWritable: channel.isWritable) {
            waitsForTurn = true
            loop.turns.wait { [self] in takeTurn() }
        }
        if isUnflushed, !isReading { flush(context) }
        if !isReading { readOn(context) }
    }

    func perform(_ step: LineState.Step, _ context: ChannelHandlerContext) {
        switch step {
        case .begin(let head): begin(head)
        case .deliver(let bytes): deliver(bytes)
        case .deliverEnd: exchange?.receivedAll()
        case .callerClosedItsHalf:
            if exchange?.callerClosedItsHalf() ?? true { close() }
        case .refuse(let problem): refuse(problem, context)
        case .finish: finish(context)
        case .close: close()
        }
    }

    func begin(_ head: RequestHead) {
        client = peerIsTrusted ? lines.proxies.client(peer: peer, head.fields.values("x-forwarded-for")) : peer
        share = ReceivingShare(.address(client))
        exchange = lines.dataPlane?.exchange(for: head, on: self) ?? lines.responder.exchange(for: head, on: self)
        // It may have answered in the same breath.
        if state.isAnswered { exchange = nil }
    }

    func deliver(_ bytes: ByteBuffer) {
        guard share.count(bytes.readableBytes, of: lines.receiving) else {
            if let step = state.refuses(with: .shareTaken), let context { perform(step, context) } else { close() }
            return
        }
        exchange?.received(bytes)
    }

    func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
        let exchange = exchange
        self.exchange = nil
        share.giveBack(to: lines.receiving)
        let (head, body) = AnswerHead.refusal(problem)
        let framing = AnswerFraming(flow: .length(body.readableBytes), length: body.readableBytes, connection: .close)
        write(raw: write(head: head, framing), nil)
        write(raw: body, nil)
        exchange?.callerLeft()
        finish(context)
    }

    /// Closing in full with bytes unread resets the connection, and the answer is lost on its way. So only our half is
    /// closed, once everything is written, and what comes is dropped for a while (RFC 9112 §9.6).
    func finish(_ context: ChannelHandlerContext) {
        let promise = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: promise)
        isUnflushed = false
        promise.futureResult.assumeIsolated().whenComplete { [self] _ in
            if state.flushed() {
                context.close(mode: .output, promise: nil)
                pump()
            } else {
                close()
            }
        }
    }

    func close() {
        state.ended()
        context?.close(promise: nil)
    }

    func write(head: AnswerHead, _ framing: AnswerFraming) -> ByteBuffer {
        var fields = head.fields
        if let date = loop.date { fields.fields(date) }
        if let length = framing.length {
            fields.field("Content-Length", number: length)
        } else if framing.flow == .chunked {
            fields.field("Transfer-Encoding", "chunked")
        }
        switch framing.connection {
        case .unsaid: break
        case .close: fields.field("Connection", "close")
        case .keepAlive: fields.field("Connection", "keep-alive")
        }
        return fields.finish()
    }

    func write(raw bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        guard let context else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        isUnflushed = true
        context.write(wrapOutboundOut(bytes), promise: promise)
    }

    func flush(_ context: ChannelHandlerContext) {
        isUnflushed = false
        context.flush()
    }

    func readOn(_ context: ChannelHandlerContext) {
        if state.wantsBytes(isWritable: channel.isWritable) { context.read() }
    }
}
