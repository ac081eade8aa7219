import NIOCore
import NIOTLS

/// Waits, right behind TLS, for the end of its handshake, and not longer than it should.
final class HandshakeWait: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let established: EventLoopPromise<Void>
    private let end: NIODeadline
    private var late: Scheduled<Void>?
    private var isOver = false

    init(_ established: EventLoopPromise<Void>, until end: NIODeadline) {
        self.established = established
        self.end = end
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        late = context.eventLoop.scheduleTask(deadline: end) { bound.value.finish(.failure(Late())) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            finish(.success(()))
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { finish(.failure(error)) }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.failure(ChannelError.eof))
        context.fireChannelInactive()
    }

    /// There was no end of the handshake in time.
    struct Late: Error {}

    private func finish(_ result: Result<Void, any Error>) {
        guard !isOver else { return }
        isOver = true
        late?.cancel()
        established.completeWith(result)
    }
}
