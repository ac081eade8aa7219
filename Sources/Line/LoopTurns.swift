import Glibc
import NIOCore
import NIOPosix

/// Gives a message that was sent ahead of its turn to begin, when the event loop looks at its sockets.
///
/// NIO runs tasks as long as there are any and looks at no socket meanwhile. A caller who has sent a thousand requests at
/// once would be served out of tasks alone: each answer begins the next message, and while a few connections do so, nobody
/// else on this loop is heard. So a message begins in a round of the sockets only, one for each connection: either because
/// it has just been read, or because this pipe has called. Long work that goes on in pieces waits here as well. It costs
/// two system calls a round, for callers who pipeline.
///
/// Unchecked: it is made under a lock, and all else of it is only touched on its event loop.
final class LoopTurns: @unchecked Sendable {
    private let eventLoop: any EventLoop
    private var waiting: [() -> Void] = []
    private var hasCalled = false
    /// The end of the pipe that is written to; `nil` while there is none, or on a loop without sockets.
    private var bell: CInt?

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        guard let bootstrap = NIOPipeBootstrap(validatingGroup: eventLoop) else { return }
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        let (heard, rung) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(rung, F_SETFL, O_NONBLOCK)
        bootstrap.channelInitializer { [weak self] channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(Bell { self?.takeTurns() })
            }
        }.takingOwnershipOfDescriptor(input: heard).whenComplete { [weak self] result in
            switch result {
            case .success: self?.bell = rung
            case .failure:
                Glibc.close(heard)
                Glibc.close(rung)
            }
        }
    }

    /// The work is done in the next round.
    func wait(_ work: @escaping () -> Void) {
        waiting.append(work)
        guard !hasCalled else { return }
        hasCalled = true
        var byte: UInt8 = 1
        if let bell, write(bell, &byte, 1) == 1 { return }
        eventLoop.execute { self.takeTurns() }
    }

    private func takeTurns() {
        hasCalled = false
        let turns = waiting
        waiting.removeAll(keepingCapacity: true)
        for work in turns { work() }
    }

    private final class Bell: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let heard: () -> Void

        init(_ heard: @escaping () -> Void) { self.heard = heard }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { heard() }
    }
}
