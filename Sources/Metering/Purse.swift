import Policy
import Values

/// What there is for the calls of one account, exactly: granted, charged and held, for the account, its keys and their
/// months.
///
/// Its key limits are not in it: they come with each call, as of the stamp that the call was decided under.
struct Purse {
    var granted: Credits
    var use: Usage
    var keys: [Identifier: KeyPurse] = [:]
    /// Grants whose commit is under way. They can't be spent yet, but there must be room for them.
    var coming = Credits.zero
    /// Calls and charges that the totals in the database don't show yet, and whoever is about to use the purse. While
    /// there are any, it stays in memory.
    var ties = 0

    /// So many keys are in memory before those that have nothing under way go.
    private static let mostKeys = 32

    /// What bounds a call; `nil` when its key or month is not in memory.
    func bounds(_ call: MeteredCall) -> CreditBounds? {
        guard let key = keys[call.credential], let month = key.month(call.month) else { return nil }
        return CreditBounds(
            granted: granted, account: use, keyLimit: call.keyLimit, key: key.use, monthlyLimit: call.monthlyLimit,
            month: month)
    }

    /// The same change to all three: what a call takes from one, it takes from each.
    mutating func change(_ call: MeteredCall, ties change: Int, _ body: (inout Usage) -> Void) {
        body(&use)
        ties += change
        keys[call.credential]?.change(call.month, ties: change, body)
    }

    mutating func untie(_ credential: Identifier, _ count: Int) {
        ties -= count
        keys[credential]?.ties -= count
    }

    /// Takes in a key, or a month of one that is here.
    /// - Returns: whether something that had nothing under way was given up for it.
    mutating func insert(_ key: Usage, _ use: Usage, of credential: Identifier, _ month: Month) -> Bool {
        if keys[credential]?.month(month) != nil { return false }
        if keys[credential] != nil { return keys[credential]?.insert(use, of: month) ?? false }
        let count = keys.count
        if count >= Self.mostKeys { keys = keys.filter { $0.value.ties > 0 } }
        defer { keys[credential] = KeyPurse(use: key, months: [KeyPurse.MonthUse(month: month, use: use)]) }
        return keys.count < count
    }
}

/// What was used of one key, in all and by month.
struct KeyPurse {
    struct MonthUse {
        let month: Month
        var use: Usage
    }

    var use: Usage
    /// The newest last. Few: a call counts in the month of its admission.
    var months: [MonthUse]
    var ties = 0

    private static let mostMonths = 4

    func month(_ month: Month) -> Usage? { months.last { $0.month == month }?.use }

    /// - Returns: whether months that have nothing under way were given up for it.
    mutating func insert(_ use: Usage, of month: Month) -> Bool {
        let isFull = ties == 0 && months.count >= Self.mostMonths
        if isFull { months = [] }
        months.append(MonthUse(month: month, use: use))
        return isFull
    }

    mutating func change(_ month: Month, ties change: Int, _ body: (inout Usage) -> Void) {
        body(&use)
        ties += change
        if let index = months.lastIndex(where: { $0.month == month }) { body(&months[index].use) }
    }
}

extension Usage {
    /// Sums that must fit: `Policy` admits no call that would make one too large, and nothing is given back that was not
    /// held.
    mutating func hold(_ cost: Credits) { held = Self.sum(held, cost) }

    mutating func release(_ cost: Credits) { held = Self.difference(held, cost) }

    /// - Parameter amount: at most what was held.
    mutating func charge(_ amount: Credits, ofHeld cost: Credits) {
        release(cost)
        posted = Self.sum(posted, amount)
    }

    private static func sum(_ left: Credits, _ right: Credits) -> Credits {
        guard let sum = left.adding(right) else { preconditionFailure("more is used than an account can have") }
        return sum
    }

    private static func difference(_ left: Credits, _ right: Credits) -> Credits {
        guard let rest = left.subtracting(right), rest >= .zero else {
            preconditionFailure("more is given back than was held")
        }
        return rest
    }
}

extension Credits {
    /// A sum of what is stored, which must fit.
    func plus(_ other: Credits) throws -> Credits {
        guard let sum = adding(other) else { throw MeteringError.balanceTooLarge }
        return sum
    }
}
