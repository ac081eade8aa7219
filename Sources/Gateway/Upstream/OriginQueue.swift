import NIOCore

/// Which call gets which connection to one origin. A value: it counts and decides, the pool acts.
///
/// Every connection is in one of three states: being made, idle, or in use by one call. A call that finds no idle one waits,
/// first come, first served, and one more connection is made for it if there may be more. Whichever is free first, a new one
/// or one given back, serves the call that has waited longest.
struct OriginQueue<Connection: AnyObject, Call: AnyObject> {
    struct Bounds {
        /// In all three states together.
        var connections: Int
        var waiting: Int
        /// Idle ones.
        var kept: Int
    }

    enum Answer {
        /// It is in use from now on.
        case use(Connection)
        case wait
        /// Too many wait already.
        case full
    }

    private struct Idle {
        let connection: Connection
        let until: NIODeadline
    }

    private let bounds: Bounds
    /// The one given back last is at the end. It is used first: the rest can then grow old and go.
    private var idle: [Idle] = []
    private(set) var waiting: [Call] = []
    private(set) var making = 0
    private(set) var inUse = 0

    init(_ bounds: Bounds) { self.bounds = bounds }

    var connections: Int { making + idle.count + inUse }
    var idleCount: Int { idle.count }
    var isEmpty: Bool { connections == 0 && waiting.isEmpty }

    /// - Parameter isUsable: looks at an idle connection. One that is not usable is forgotten here; to close it is the
    ///   caller's.
    mutating func ask(_ call: Call, isUsable: (Connection) -> Bool) -> Answer {
        while let last = idle.popLast() {
            guard isUsable(last.connection) else { continue }
            inUse += 1
            return .use(last.connection)
        }
        guard waiting.count < bounds.waiting else { return .full }
        waiting.append(call)
        return .wait
    }

    /// Whether one more connection is to be made for those that wait. `true` counts it as begun.
    mutating func begin() -> Bool {
        guard making < waiting.count, connections < bounds.connections else { return false }
        making += 1
        return true
    }

    /// A connection has been made, and is free; see ``give(_:until:)``.
    mutating func made(_ connection: Connection, until: NIODeadline) -> (call: Call?, isKept: Bool) {
        making -= 1
        inUse += 1
        return give(connection, until: until)
    }

    /// No connection came of it.
    /// - Returns: the call that has to hear of it: the one that has waited longest.
    mutating func failed() -> Call? {
        making -= 1
        return waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// A connection is free again.
    /// - Parameter until: when it must be closed if no call needs it.
    /// - Returns: the call that it is for now; without one it is idle, or not kept, and then it is to be closed.
    mutating func give(_ connection: Connection, until: NIODeadline) -> (call: Call?, isKept: Bool) {
        if !waiting.isEmpty { return (waiting.removeFirst(), true) }
        inUse -= 1
        guard idle.count < bounds.kept else { return (nil, false) }
        idle.append(Idle(connection: connection, until: until))
        return (nil, true)
    }

    /// A connection in use is gone, or will not be used again.
    mutating func lost() { inUse -= 1 }

    /// An idle connection is gone. Nothing happens when it is not idle.
    mutating func lost(idle connection: Connection) { idle.removeAll { $0.connection === connection } }

    /// A call does not wait any longer.
    mutating func left(_ call: Call) { waiting.removeAll { $0 === call } }

    /// Takes out the idle connections whose time is over.
    mutating func expired(_ now: NIODeadline) -> [Connection] {
        guard idle.contains(where: { $0.until <= now }) else { return [] }
        let over = idle.filter { $0.until <= now }
        idle.removeAll { $0.until <= now }
        return over.map(\.connection)
    }

    /// Takes out all idle connections.
    mutating func allIdle() -> [Connection] { expired(.distantFuture) }
}
