import Catalog
import NIOCore
import Policy

/// All connections of one event loop to one origin, and the calls that wait for one.
final class OriginLane {
    let origin: Origin
    private let pool: UpstreamPool
    private var queue: OriginQueue<UpstreamConnection, UpstreamExchange>

    init(_ origin: Origin, _ pool: UpstreamPool) {
        self.origin = origin
        self.pool = pool
        let bounds = pool.bounds
        queue = OriginQueue(.init(connections: bounds.connections, waiting: bounds.waiting, kept: bounds.kept))
    }

    /// Whether nothing would be lost with it.
    var isEmpty: Bool { queue.isEmpty }
    var connections: Int { queue.connections }
    var idle: Int { queue.idleCount }

    /// Finds a connection for an exchange, now or later.
    func ask(_ exchange: UpstreamExchange) {
        var gone: [UpstreamConnection] = []
        let now = pool.now
        let answer = queue.ask(exchange) { connection in
            if connection.isUsable(now) { return true }
            gone.append(connection)
            return false
        }
        for connection in gone { forget(connection) }
        switch answer {
        case .use(let connection):
            connection.standing = .inUse
            connection.serve(exchange)
        case .wait: dial()
        case .full:
            exchange.fail(UpstreamFailure(.overloaded, "too many calls wait for a connection to it", .busy))
        }
    }

    /// An exchange does not wait any longer, if it did.
    func left(_ exchange: UpstreamExchange) { queue.left(exchange) }

    /// A connection is free again.
    func give(_ connection: UpstreamConnection, until: NIODeadline) {
        settle(connection, queue.give(connection, until: until))
    }

    /// A connection closes itself, whatever it did here.
    func lost(_ connection: UpstreamConnection) {
        switch connection.standing {
        case .idle: queue.lost(idle: connection)
        case .inUse: queue.lost()
        case .none: return
        }
        connection.standing = .none
        dial()
    }

    /// Closes the idle connections whose time is over.
    func expire(_ now: NIODeadline) {
        for connection in queue.expired(now) { forget(connection) }
    }

    func closeIdle() {
        for connection in queue.allIdle() { forget(connection) }
    }

    /// Makes connections for those that wait, as many as there may be.
    private func dial() {
        while queue.begin() {
            let bound = NIOLoopBound(self, eventLoop: pool.eventLoop)
            pool.dialer.dial(origin, on: pool.eventLoop).whenComplete { bound.value.dialed($0) }
        }
    }

    private func dialed(_ result: Result<any Channel, any Error>) {
        do {
            let channel = try result.get()
            guard channel.isActive else { throw UpstreamFailure.failed("it closed the connection before its answer") }
            let connection = try UpstreamConnection(channel, self, pool.bounds)
            settle(connection, queue.made(connection, until: pool.now + pool.bounds.keep))
        } catch {
            let failure = error as? UpstreamFailure ?? .failed("no connection: \(type(of: error))", .unreachable)
            queue.failed()?.fail(failure)
            dial()
        }
    }

    private func settle(_ connection: UpstreamConnection, _ next: (call: UpstreamExchange?, isKept: Bool)) {
        guard next.isKept else { return forget(connection) }
        connection.standing = next.call == nil ? .idle : .inUse
        if let call = next.call { connection.serve(call) }
    }

    /// Closes a connection that the queue does not have any more.
    private func forget(_ connection: UpstreamConnection) {
        connection.standing = .none
        connection.close()
    }
}
