import Policy
import Synchronization
import Values

/// All purses that are in memory, under one lock: the one owner of what may be spent.
///
/// A purse is loaded at first use and stays while the totals in the database don't tell all of it: while it has calls
/// under way, or charges that are not folded yet. Otherwise it may go when there are many, and is loaded again. So the
/// totals alone make a purse that is not in memory, whenever it is loaded.
final class Purses: Sendable {
    /// What a call needs of the database to be decided.
    struct Missing {
        /// The account too, not only the key or its month.
        let isWhole: Bool
        /// The purses as they were before the database was looked at.
        let losses: UInt64
    }

    /// What the database says.
    struct Totals: Sendable {
        var granted = Credits.zero
        var account = Usage()
        var key = Usage()
        var month = Usage()
    }

    enum Decision {
        case held(id: Int64, remaining: Credits)
        case denied(Denial)
        case unknown
    }

    private struct State {
        var purses: [Identifier: Purse] = [:]
        /// For finding one that can go: each account that has a purse, once.
        var places: [Identifier] = []
        /// How often something was given up: what was read from the database before is not to be trusted after.
        var losses: UInt64 = 0
        var open = 0
    }

    private let state = Mutex(State())
    private let ids: EntryIDs
    private let capacity: Int
    /// Calls that may be under way at once.
    private let mostOpen: Int

    init(ids: EntryIDs, capacity: Int = 50_000, mostOpen: Int = 65_536) {
        self.ids = ids
        self.capacity = capacity
        self.mostOpen = mostOpen
    }

    /// How many are in memory.
    var count: Int { state.withLock { $0.purses.count } }

    // MARK: Calls

    /// All three bounds together, or the denial of the first that the call does not fit into.
    func hold(_ call: MeteredCall) -> Decision {
        state.withLock { state in
            guard let index = state.purses.index(forKey: call.account) else { return .unknown }
            guard var bounds = state.purses.values[index].bounds(call) else { return .unknown }
            guard state.open < mostOpen else { return .denied(.overloaded) }
            if let denial = Policy.admit(cost: call.cost, bounds) { return .denied(denial) }
            state.purses.values[index].change(call, ties: 1) { $0.hold(call.cost) }
            state.open += 1
            bounds.account.hold(call.cost)
            bounds.key.hold(call.cost)
            bounds.month.hold(call.cost)
            return .held(id: ids.next(at: call.time), remaining: bounds.remaining)
        }
    }

    func release(_ call: MeteredCall) {
        state.withLock { state in
            state.purses[call.account]?.change(call, ties: -1) { $0.release(call.cost) }
            state.open -= 1
        }
    }

    /// Charges that are on disk now. They stay tied until they are folded.
    func charge(_ charges: [(call: MeteredCall, amount: Credits)]) {
        state.withLock { state in
            for (call, amount) in charges {
                state.purses[call.account]?.change(call, ties: 0) { $0.charge(amount, ofHeld: call.cost) }
            }
            state.open -= charges.count
        }
    }

    /// The totals in the database have these charges now.
    func fold(_ counts: [Fold.Key: Int]) {
        state.withLock { state in
            for (key, count) in counts { state.purses[key.account]?.untie(key.credential, count) }
        }
    }

    // MARK: Loading

    /// - Parameter credential: `nil` when only the account's own part is asked for.
    func missing(_ account: Identifier, _ credential: Identifier?, _ month: Month?) -> Missing? {
        state.withLock { state in
            guard let purse = state.purses[account] else { return Missing(isWhole: true, losses: state.losses) }
            guard let credential, let month, purse.keys[credential]?.month(month) == nil else { return nil }
            return Missing(isWhole: false, losses: state.losses)
        }
    }

    /// Takes in what the database said after ``missing(_:_:_:)``. What came into memory meanwhile stands.
    /// - Returns: `false` when something was given up meanwhile, and the database has to be asked again.
    func insert(
        _ totals: Totals, _ account: Identifier, _ credential: Identifier?, _ month: Month?, _ missing: Missing
    ) -> Bool {
        state.withLock { state in
            guard state.losses == missing.losses else { return false }
            if state.purses[account] == nil {
                guard missing.isWhole else { return false }
                if state.purses.count >= capacity { Self.giveUpOne(&state) }
                state.purses[account] = Purse(granted: totals.granted, use: totals.account)
                state.places.append(account)
            }
            guard let credential, let month else { return true }
            let hasLost = state.purses[account]?.insert(totals.key, totals.month, of: credential, month) ?? false
            if hasLost { state.losses += 1 }
            return true
        }
    }

    /// One that has nothing under way, chosen at random; none, when so many looked at are all in use.
    private static func giveUpOne(_ state: inout State) {
        for _ in 0..<16 {
            guard let place = state.places.indices.randomElement() else { return }
            let account = state.places[place]
            guard state.purses[account]?.ties == 0 else { continue }
            state.purses[account] = nil
            state.places.swapAt(place, state.places.count - 1)
            state.places.removeLast()
            state.losses += 1
            return
        }
    }

    // MARK: Grants and corrections

    /// Keeps the account's purse in memory until ``untie(_:)``. `false` when it is not there.
    func tie(_ account: Identifier) -> Bool {
        state.withLock { state in
            guard state.purses[account] != nil else { return false }
            state.purses[account]?.ties += 1
            return true
        }
    }

    func untie(_ account: Identifier) { state.withLock { $0.purses[account]?.ties -= 1 } }

    /// Before the commit of a change of what was granted: takes away what is to be taken, and makes room for what is to
    /// come.
    func begin(_ amount: Credits, of account: Identifier) throws(MeteringError) {
        let result = state.withLock { state -> Result<Void, MeteringError> in
            guard var purse = state.purses[account] else { preconditionFailure("the purse was tied before") }
            guard let sum = purse.granted.adding(amount), sum.adding(purse.coming) != nil else {
                return .failure(.balanceTooLarge)
            }
            if amount < .zero {
                let available = purse.use.left(of: purse.granted) ?? .zero
                guard let left = purse.use.left(of: sum), left >= .zero else {
                    return .failure(.balanceTooSmall(available: available))
                }
                purse.granted = sum
            } else {
                purse.coming = purse.coming.adding(amount) ?? purse.coming
            }
            state.purses[account] = purse
            return .success(())
        }
        try result.get()
    }

    /// After the commit, or after it has failed.
    func end(_ amount: Credits, of account: Identifier, isCommitted: Bool) {
        state.withLock { state in
            guard var purse = state.purses[account] else { preconditionFailure("the purse was tied before") }
            if amount < .zero {
                if !isCommitted { purse.granted = purse.granted.subtracting(amount) ?? purse.granted }
            } else {
                purse.coming = purse.coming.subtracting(amount) ?? .zero
                if isCommitted { purse.granted = purse.granted.adding(amount) ?? purse.granted }
            }
            state.purses[account] = purse
        }
    }

    // MARK: Reading

    func balance(of account: Identifier) -> Balance? {
        state.withLock { state in
            state.purses[account].map { Balance(granted: $0.granted, usage: $0.use) }
        }
    }

    /// What is in memory of a key; of what is not, the totals tell all.
    func meter(of credential: Identifier, in account: Identifier, _ month: Month) -> (key: Usage?, month: Usage?) {
        state.withLock { state in
            let key = state.purses[account]?.keys[credential]
            return (key?.use, key?.month(month))
        }
    }

    /// `nil` when not all of it is in memory.
    func credits(of credential: Identifier, in account: Identifier, _ month: Month) -> KeyCredits? {
        state.withLock { state in
            guard let purse = state.purses[account], let key = purse.keys[credential], let use = key.month(month) else {
                return nil
            }
            return KeyCredits(
                balance: Balance(granted: purse.granted, usage: purse.use), meter: KeyMeter(usage: key.use, month: use))
        }
    }
}
