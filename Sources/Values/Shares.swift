import Synchronization

/// A bounded resource of which nobody may have more than what is left for all others.
///
/// Who holds much may take more only as long as that is not more than what is still free (the dynamic threshold of
/// Choudhury and Hahne, 1998). So one alone can have half of it, and of two who take what they can each has a third: nothing
/// lies idle behind fixed parts, and whoever comes with little finds room.
///
/// A place can belong to several owners at once: a call to its account, its key and its address. Then each of them must
/// have room for it.
package final class Shares: Sendable {
    private struct State {
        var taken = 0
        var held: [ShareOwner: Int] = [:]

        /// - Returns: what it held before.
        mutating func add(_ amount: Int, for owner: ShareOwner) -> Int {
            // One look into the table: each call comes here for three owners.
            held[owner, default: 0].increase(by: amount) - amount
        }

        mutating func subtract(_ amount: Int, for owner: ShareOwner) {
            guard let index = held.index(forKey: owner) else { return }
            held.values[index] -= amount
            if held.values[index] <= 0 { held.remove(at: index) }
        }
    }

    private let limit: Int
    private let percent: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: how much there is; places, bytes or what else is counted.
    ///   - percent: how much one owner may hold, in percent of what is free. At least 1.
    package init(limit: Int, percent: Int = 100) {
        self.limit = limit
        self.percent = percent
    }

    /// Takes so much for all these owners, or nothing.
    /// - Parameter owners: none means that only the whole is bounded.
    /// - Returns: whether it was taken. Then ``giveBack(_:for:)`` has to follow.
    package func take(_ amount: Int, for owners: [ShareOwner]) -> Bool {
        state.withLock { state in
            guard amount <= limit - state.taken, add(amount, to: owners, &state) else { return false }
            state.taken += amount
            return true
        }
    }

    /// What somebody has taken belongs to these owners as well from now on.
    /// - Returns: whether each of them has room for it. Then ``leave(_:_:)`` has to follow.
    package func join(_ amount: Int, _ owners: [ShareOwner]) -> Bool {
        state.withLock { add(amount, to: owners, &$0) }
    }

    /// It belongs to these no more, but to those who have taken it.
    package func leave(_ amount: Int, _ owners: [ShareOwner]) {
        state.withLock { state in
            for owner in owners { state.subtract(amount, for: owner) }
        }
    }

    private func add(_ amount: Int, to owners: [ShareOwner], _ state: inout State) -> Bool {
        let most = Double(limit - state.taken) * Double(percent) / 100
        for place in owners.indices {
            let had = state.add(amount, for: owners[place])
            if Double(had) > most {
                for owner in owners[...place] { state.subtract(amount, for: owner) }
                return false
            }
        }
        return true
    }

    /// What was taken for these owners is free again.
    package func giveBack(_ amount: Int, for owners: [ShareOwner]) {
        state.withLock { state in
            state.taken -= amount
            for owner in owners { state.subtract(amount, for: owner) }
        }
    }

    /// How much is taken now, by all.
    package var taken: Int { state.withLock { $0.taken } }

    /// How many owners hold something: what this table remembers.
    package var owners: Int { state.withLock { $0.held.count } }
}

extension Int {
    fileprivate mutating func increase(by amount: Int) -> Int {
        self += amount
        return self
    }
}
