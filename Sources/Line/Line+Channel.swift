import HTTP
package import NIOCore
import Values

/// What comes from the channel and from the clock.
extension Line: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { opened(context) }
    }

    package func channelActive(context: ChannelHandlerContext) { opened(context) }

    private func opened(_ context: ChannelHandlerContext) {
        guard !holdsConnection else { return }
        loop.add(self)
        // A proxy that the operator trusts brings many clients; each of its messages says whose it is.
        holdsConnection = lines.connections.take(1, for: peerIsTrusted ? [] : [.address(peer)])
        if holdsConnection {
            pump()
        } else {
            perform(state.refusesConnection(with: .shareTaken), context)
        }
    }

    package func channelInactive(context: ChannelHandlerContext) {
        state.ended()
        loop.remove(self)
        share.giveBack(to: lines.receiving)
        lines.connections.leave(1, callers)
        callers = []
        if holdsConnection { lines.connections.giveBack(1, for: peerIsTrusted ? [] : [.address(peer)]) }
        holdsConnection = false
        self.context = nil
        let exchange = exchange
        self.exchange = nil
        exchange?.callerLeft()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        state.received(unwrapInboundIn(data))
        pump(turns: 1)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if isUnflushed { flush(context) }
        pump()
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard channel.isWritable else { return }
        state.becameWritable()
        exchange?.becameWritable()
        pump()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as ChannelEvent where event == .inputClosed: state.inputEnded()
        case is ChannelShouldQuiesceEvent: state.quiesce()
        default: return
        }
        pump()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

    /// One more of the messages that are here may begin.
    func takeTurn() {
        waitsForTurn = false
        pump(turns: 1)
    }

    func tick(_ now: NIODeadline) {
        guard let context else { return }
        if let step = state.tick(now, isWritable: channel.isWritable) { perform(step, context) }
        exchange?.tick(now)
        if isUnflushed, !isReading { flush(context) }
    }
}
