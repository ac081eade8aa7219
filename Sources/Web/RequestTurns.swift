import Synchronization
import Values

/// Which requests of people are under way, of those that have come.
///
/// All requests share the few threads of Swift's tasks and the few readers of the database, and both are queues in the
/// order of coming. A request goes through them some ten times. If each that comes were begun at once, hundreds from one
/// address would stand in those queues, and a request from anywhere else would wait behind them ten times over. So
/// requests of one address take turns, and wait for them on their connections.
///
/// There is no bound for all addresses together: some requests wait seconds for a hash, in a queue that is fair by itself,
/// and with such a bound all others would wait for those.
package final class RequestTurns: Sendable {
    /// Who takes turns with themselves.
    enum Owner: Hashable, Sendable {
        /// A caller's site; `nil` for all whose address can't be known.
        case site(IPAddress?)
        /// The same for those that only ask how the server is. They don't wait for others.
        case probe(IPAddress?)
    }

    typealias Table = TurnTable<Owner, @Sendable () -> Void>

    private let table: Mutex<Table>

    /// - Parameter perAddress: how many requests of one address are under way at a time.
    package init(perAddress: Int) { table = Mutex(Table(most: perAddress)) }

    /// - Parameter begin: is called once when the turn comes, if that is not now, from whatever thread; it must not wait.
    /// - Returns: a place to wait in, or `nil` for a turn. ``end(_:)`` has to follow each turn.
    func ask(_ owner: Owner, _ begin: @escaping @Sendable () -> Void) -> Table.Ticket? {
        table.withLock { $0.ask(owner, begin) }
    }

    func end(_ owner: Owner) {
        let begin = table.withLock { $0.end(owner) }
        begin?()
    }

    /// - Returns: false when the turn has come already.
    func leave(_ ticket: Table.Ticket) -> Bool { table.withLock { $0.leave(ticket) } }

    /// Owners of whom something is under way or waits: what this table remembers.
    var owners: Int { table.withLock { $0.owners } }
}
