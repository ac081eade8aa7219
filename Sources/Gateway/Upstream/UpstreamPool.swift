package import Catalog
package import NIOCore

/// Connections of ours to the upstreams, on one event loop.
///
/// A call and its upstream share an event loop, so nothing here takes a lock, makes a task or waits. The pool finds a
/// connection to the origin, or makes one (``Dialer``); the connection writes the request and reads the answer
/// (``UpstreamConnection``); the exchange is what the caller holds meanwhile (``UpstreamExchange``), and one tick looks after
/// all deadlines.
///
/// An upstream is a stranger. What it sends is bounded in bytes and time, parsed by our own strict reader (`Wire`), and never
/// repeated in a log. What it may not do is ruled here; what its answer means is not known here: that is the dialect's.
///
/// Two rules keep calls apart. A request is handed to one connection, once: if that breaks, the call fails, for the upstream
/// may have acted on it. And a connection serves the next request only if the last answer was whole, nothing came after it,
/// and its request was written to the end.
package final class UpstreamPool {
    package let eventLoop: any EventLoop
    let bounds: UpstreamBounds
    let dialer: any Dialer
    private var lanes: [Origin: OriginLane] = [:]
    private var exchanges: [UpstreamExchange] = []
    private var ticking: RepeatedTask?

    /// To be made and used on the event loop.
    package init(on eventLoop: any EventLoop, bounds: UpstreamBounds, dialer: any Dialer) {
        self.eventLoop = eventLoop
        self.bounds = bounds
        self.dialer = dialer
    }

    var now: NIODeadline { eventLoop.now }

    /// Sends a request to an origin, on an idle connection or a new one.
    package func send(
        _ request: UpstreamRequest, to origin: Origin, for listener: any UpstreamListener
    ) -> UpstreamExchange {
        eventLoop.assertInEventLoop()
        let exchange = UpstreamExchange(request, lane(origin), self, listener)
        exchange.place = exchanges.count
        exchanges.append(exchange)
        startTicking()
        exchange.lane.ask(exchange)
        exchange.returned()
        return exchange
    }

    /// Closes the idle connections and ends every exchange.
    package func close() {
        for exchange in exchanges { exchange.fail(.failed("the server is stopping")) }
        for lane in lanes.values { lane.closeIdle() }
    }

    /// Connections to an origin: all, and those of them that are idle.
    func connections(to origin: Origin) -> (all: Int, idle: Int) {
        lanes[origin].map { ($0.connections, $0.idle) } ?? (0, 0)
    }

    /// Exchanges under way.
    var underWay: Int { exchanges.count }

    /// The exchange is over.
    func remove(_ exchange: UpstreamExchange) {
        // The last one takes its place: no search, and no gap.
        guard let last = exchanges.popLast(), last !== exchange else { return }
        exchanges[exchange.place] = last
        last.place = exchange.place
    }

    private func lane(_ origin: Origin) -> OriginLane {
        if let known = lanes[origin] { return known }
        let lane = OriginLane(origin, self)
        lanes[origin] = lane
        return lane
    }

    private func startTicking() {
        guard ticking == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        ticking = eventLoop.scheduleRepeatedTask(initialDelay: bounds.tick, delay: bounds.tick) { _ in
            bound.value.tick()
        }
    }

    private func tick() {
        let now = now
        for exchange in exchanges {
            if let failure = exchange.deadlines.failure(now) { exchange.fail(failure) }
        }
        for lane in lanes.values { lane.expire(now) }
        // Providers come and go, and a pool without any work does not wake the machine.
        lanes = lanes.filter { !$0.value.isEmpty }
        if lanes.isEmpty, exchanges.isEmpty {
            ticking?.cancel()
            ticking = nil
        }
    }
}
