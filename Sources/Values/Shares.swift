import Synchronization

/// A bounded resource of which nobody may have more than what is left for all others.
///
/// Who holds much may take more only as long as that is not more than what is still free (the dynamic threshold of
/// Choudhury and Hahne, 1998). So one alone can have half of it, and of two who take what they can each has a third: nothing
/// lies idle behind fixed parts, and whoever comes with little finds room.
///
/// A place can belong to several owners at once: a call to its account, its key and its address. Then each of them must
/// have room for it.
package final class Shares<Owner: Hashable & Sendable>: Sendable {
    private struct State {
        var taken = 0
        var held: [Owner: Int] = [:]
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
    package func take(_ amount: Int, for owners: [Owner]) -> Bool {
        state.withLock { state in
            guard amount <= limit - state.taken else { return false }
            let most = Double(limit - state.taken) * Double(percent) / 100
            for owner in owners where Double(state.held[owner] ?? 0) > most { return false }
            state.taken += amount
            for owner in owners { state.held[owner, default: 0] += amount }
            return true
        }
    }

    /// What was taken for these owners is free again.
    package func giveBack(_ amount: Int, for owners: [Owner]) {
        state.withLock { state in
            state.taken -= amount
            for owner in owners {
                let left = (state.held[owner] ?? 0) - amount
                state.held[owner] = left > 0 ? left : nil
            }
        }
    }

    /// How much is taken now, by all.
    package var taken: Int { state.withLock { $0.taken } }

    /// How many owners hold something: what this table remembers.
    package var owners: Int { state.withLock { $0.held.count } }
}
