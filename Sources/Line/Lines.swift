package import HTTP
package import NIOCore
import Synchronization
package import Values

/// What all connections of one server share: who serves them, their bounds, and the shares of each client's address.
package final class Lines: Sendable {
    package let bounds: LineBounds
    let dataPlane: (any DataPlane)?
    let responder: any Responder
    let proxies: TrustedProxies
    let clock: Clock
    /// Connections, by the network of the connected peer, and by the account and the key that called on them last.
    let connections: Shares
    /// Bytes of bodies that are being received, by the network of the client.
    let receiving: Shares
    private let loops = Mutex<[ObjectIdentifier: LoopLines]>([:])

    /// - Parameters:
    ///   - dataPlane: is asked first who serves a message.
    ///   - responder: serves all others.
    ///   - proxies: whose word about the client's address counts. Their own connections have no share.
    ///   - connections: how many there may be; one address, account or key may have as many as are free.
    ///   - receiving: the same of the bytes of unfinished bodies.
    package init(
        dataPlane: (any DataPlane)?, responder: any Responder, proxies: TrustedProxies,
        connections: Shares, receiving: Shares, bounds: LineBounds = LineBounds(),
        clock: Clock = .system
    ) {
        self.dataPlane = dataPlane
        self.responder = responder
        self.proxies = proxies
        self.connections = connections
        self.receiving = receiving
        self.bounds = bounds
        self.clock = clock
    }

    /// Makes a channel that has just been accepted a line. On its event loop.
    package func accept(_ channel: any Channel) throws {
        if let options = channel.syncOptions {
            // The line asks for bytes itself, or a caller who only sends would fill the memory.
            try options.setOption(.autoRead, value: false)
        }
        try channel.pipeline.syncOperations.addHandler(Line(on: channel, of: self))
    }

    func loop(_ eventLoop: any EventLoop) -> LoopLines {
        loops.withLock { loops in
            let id = ObjectIdentifier(eventLoop)
            if let loop = loops[id] { return loop }
            let loop = LoopLines(eventLoop, clock: clock)
            loops[id] = loop
            return loop
        }
    }
}
