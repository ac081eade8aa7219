package import NIOCore

/// One pool for each event loop of a group.
package struct UpstreamPools: Sendable {
    private let pools: [ObjectIdentifier: NIOLoopBound<UpstreamPool>]

    package init(on group: any EventLoopGroup, bounds: UpstreamBounds, dialer: any Dialer) async throws {
        var pools: [ObjectIdentifier: NIOLoopBound<UpstreamPool>] = [:]
        for eventLoop in group.makeIterator() {
            pools[ObjectIdentifier(eventLoop)] = try await eventLoop.submit {
                NIOLoopBound(UpstreamPool(on: eventLoop, bounds: bounds, dialer: dialer), eventLoop: eventLoop)
            }.get()
        }
        self.pools = pools
    }

    /// The pool of an event loop of the group; to be asked for on that loop.
    package subscript(eventLoop: any EventLoop) -> UpstreamPool {
        guard let pool = pools[ObjectIdentifier(eventLoop)] else {
            preconditionFailure("an event loop of another group")
        }
        return pool.value
    }

    /// Closes what is idle and ends what is under way.
    package func close() async throws {
        for pool in pools.values {
            try await pool.eventLoop.submit { pool.value.close() }.get()
        }
    }
}
