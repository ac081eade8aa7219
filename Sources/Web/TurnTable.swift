/// Whose turn it is: each owner has so many at a time, and further ones wait, in the order in which they came.
///
/// It is a value and does nothing by itself. What it holds is bounded by what comes in: the caller of this has to see to
/// it that one owner can't ask without end.
struct TurnTable<Owner: Hashable & Sendable, Waiting: Sendable>: Sendable {
    /// A place among those that wait.
    struct Ticket: Sendable {
        fileprivate let owner: Owner
        fileprivate let number: UInt64
    }

    private struct Line {
        var underWay = 0
        var waiting: [UInt64: Waiting] = [:]
        /// No ticket before this one waits.
        var first: UInt64
        /// What the next ticket is numbered.
        var next: UInt64

        init(from number: UInt64) { (first, next) = (number, number) }

        mutating func removeFirst() -> Waiting? {
            guard !waiting.isEmpty else { return nil }
            // Those that have left are passed over, each of them once.
            while first < next {
                first += 1
                if let found = waiting.removeValue(forKey: first - 1) { return found }
            }
            return nil
        }
    }

    private let most: Int
    private var lines: [Owner: Line] = [:]
    /// A new line is numbered from here, so that no ticket of an earlier line of its owner is one of it.
    private var unused: UInt64 = 0

    /// Owners of whom something is under way or waits.
    var owners: Int { lines.count }

    /// - Parameter most: how many turns one owner has at a time; at least 1.
    init(most: Int) { self.most = max(1, most) }

    /// - Parameter waiting: is kept until its turn comes, if that is not now.
    /// - Returns: the place of who has to wait; `nil` for who has a turn. ``end(_:)`` has to follow each turn.
    mutating func ask(_ owner: Owner, _ waiting: Waiting) -> Ticket? {
        var line = lines.removeValue(forKey: owner) ?? Line(from: unused)
        defer { lines[owner] = line }
        guard line.underWay >= most else {
            line.underWay += 1
            return nil
        }
        line.waiting[line.next] = waiting
        line.next += 1
        return Ticket(owner: owner, number: line.next - 1)
    }

    /// A turn is over.
    /// - Returns: whose turn it is now.
    mutating func end(_ owner: Owner) -> Waiting? {
        guard var line = lines.removeValue(forKey: owner) else { return nil }
        let next = line.removeFirst()
        if next == nil { line.underWay -= 1 }
        if line.underWay > 0 { lines[owner] = line } else { unused = max(unused, line.next) }
        return next
    }

    /// Gives a place up.
    /// - Returns: false when its turn has come already.
    mutating func leave(_ ticket: Ticket) -> Bool {
        lines[ticket.owner]?.waiting.removeValue(forKey: ticket.number) != nil
    }
}
