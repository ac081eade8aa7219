import Accounts
import Credentials
import Database
import Policy
import Values

/// Holds and settlements of one transaction.
///
/// The bounds of a call are read once for each account and key, and updated in memory while the calls are decided one
/// after the other. Every entry is written to the ledger at once, the changed totals once at the end.
struct Batch {
    private let connection: Connection
    private let ids: EntryIDs
    private let now: Timestamp
    private var accounts: [Identifier: AccountState] = [:]
    private var keys: [Identifier: KeyState] = [:]
    private var months: [KeyMonth: Tracked<Usage>] = [:]
    private var charges: [UsageDayTable.Line: (calls: Int64, amount: Credits)] = [:]

    /// A value as it was read, and whether it has to be written back.
    private struct Tracked<Value> {
        var value: Value { didSet { isChanged = true } }
        private(set) var isChanged = false

        init(_ value: Value) { self.value = value }
    }

    private struct AccountState {
        var balance: Tracked<Balance>
        /// `nil` when there is no such account.
        let isSuspended: Bool?
    }

    private struct KeyState {
        var usage: Tracked<Usage>
        /// `nil` when there is no such live key.
        let limits: Credentials.Limits?
    }

    private struct KeyMonth: Hashable {
        let credential: Identifier
        let month: Month
    }

    /// - Parameter now: when the entries are made.
    init(_ connection: Connection, _ ids: EntryIDs, _ now: Timestamp) {
        self.connection = connection
        self.ids = ids
        self.now = now
    }

    mutating func apply(_ operation: Committer.Operation) throws -> Committer.Outcome {
        switch operation {
        case .hold(let call): try hold(call)
        case .charge(let hold, let answer): try charge(hold, answer)
        case .void(let hold): try void(hold)
        }
    }

    // MARK: Holding

    private mutating func hold(_ call: MeteredCall) throws -> Committer.Outcome {
        try load(call)
        // Deleted, disabled or suspended since the call was looked at: what was committed before binds it.
        guard let limits = keys[call.credential]?.limits else { return .denied(.invalidKey) }
        if limits.isDisabled { return .denied(.keyDisabled) }
        if accounts[call.account]?.isSuspended != false { return .denied(.accountSuspended) }
        // What was paid for is given again whatever is left.
        if let key = call.idempotency, let earlier = try earlier(key, call) { return earlier }
        if let denial = Policy.admit(cost: call.cost, bounds(call, limits)) { return .denied(denial) }
        try change(call) { try $0.hold(call.cost) }
        let hold = Hold(id: ids.next(at: now), call: call, remaining: bounds(call, limits).remaining)
        try LedgerTable.insert(hold, connection)
        try HoldTable.insert(hold, connection)
        if let key = call.idempotency {
            try IdempotencyTable.insert(key, of: hold, connection)
            try IdempotencyTable.deleteExpired(at: now, atMost: 16, connection)
        }
        return .held(hold)
    }

    /// What there is for a call that was made before.
    private func earlier(_ key: IdempotencyKey, _ call: MeteredCall) throws -> Committer.Outcome? {
        guard let entry = try IdempotencyTable.find(key, of: call.credential, connection) else { return nil }
        if entry.isSettled, !IdempotencyKey.isRemembered(entry.createdAt, at: call.time) {
            try IdempotencyTable.delete(key, of: call.credential, connection)
            return nil
        }
        guard entry.bodyDigest == key.bodyDigest else { return .refused(.otherBody) }
        guard entry.isSettled else { return .refused(.inFlight) }
        return entry.hasAnswer ? .answered(entry.hold) : .refused(.notReplayable(charge: entry.hold))
    }

    private func bounds(_ call: MeteredCall, _ limits: Credentials.Limits) -> CreditBounds {
        let meter = KeyMeter(
            usage: keys[call.credential]?.usage.value ?? Usage(),
            month: months[KeyMonth(credential: call.credential, month: call.month)]?.value ?? Usage())
        return KeyCredits(balance: accounts[call.account]?.balance.value ?? Balance(), meter: meter)
            .bounds(keyLimit: limits.key, monthlyLimit: limits.month)
    }

    // MARK: Settling

    mutating func charge(_ hold: Hold, _ answer: String?) throws -> Committer.Outcome {
        guard try HoldTable.delete(hold.id, connection) else { return .notOpen }
        let call = hold.call
        try load(call)
        try change(call) { try $0.charge(call.cost) }
        let day = UsageDayTable.Line(day: call.day, subject: call.subject)
        let total = charges[day] ?? (0, .zero)
        charges[day] = (total.calls + 1, try total.amount.plus(call.cost))
        try LedgerTable.settle(hold, as: .charge, ids.next(at: now), now, connection)
        if let key = call.idempotency {
            try IdempotencyTable.settle(key, of: call.credential, answer: answer, connection)
        }
        return .settled
    }

    mutating func void(_ hold: Hold) throws -> Committer.Outcome {
        guard try HoldTable.delete(hold.id, connection) else { return .notOpen }
        let call = hold.call
        try load(call)
        try change(call) { try $0.release(call.cost) }
        try LedgerTable.settle(hold, as: .void, ids.next(at: now), now, connection)
        // It was not served, so the next call with this key is the first one.
        if let key = call.idempotency { try IdempotencyTable.delete(key, of: call.credential, connection) }
        return .settled
    }

    // MARK: Totals

    private mutating func load(_ call: MeteredCall) throws {
        if accounts[call.account] == nil {
            accounts[call.account] = AccountState(
                balance: Tracked(try BalanceTable.balance(of: call.account, connection)),
                isSuspended: try Accounts.isSuspended(call.account, in: connection))
        }
        if keys[call.credential] == nil {
            keys[call.credential] = KeyState(
                usage: Tracked(try KeyUsageTable.usage(of: call.credential, connection)),
                limits: try Credentials.limits(of: call.credential, account: call.account, in: connection))
        }
        let month = KeyMonth(credential: call.credential, month: call.month)
        if months[month] == nil {
            months[month] = Tracked(try KeyMonthTable.usage(of: call.credential, call.month, connection))
        }
    }

    /// The same change to all three totals: what a call takes from one, it takes from each.
    private mutating func change(_ call: MeteredCall, _ change: (inout Usage) throws -> Void) throws {
        try accounts[call.account]?.balance.value.usage.changed(by: change)
        try keys[call.credential]?.usage.value.changed(by: change)
        try months[KeyMonth(credential: call.credential, month: call.month)]?.value.changed(by: change)
    }

    /// Writes the changed totals. Call it once, last.
    func flush() throws {
        for (account, state) in accounts where state.balance.isChanged {
            try BalanceTable.store(state.balance.value, of: account, connection)
        }
        for (credential, state) in keys where state.usage.isChanged {
            try KeyUsageTable.store(state.usage.value, of: credential, connection)
        }
        for (key, usage) in months where usage.isChanged {
            try KeyMonthTable.store(usage.value, of: key.credential, key.month, connection)
        }
        for (row, total) in charges { try UsageDayTable.add(total.calls, total.amount, to: row, connection) }
    }
}

extension Usage {
    mutating func hold(_ cost: Credits) throws { held = try held.plus(cost) }

    mutating func charge(_ cost: Credits) throws {
        held = try held.minus(cost)
        posted = try posted.plus(cost)
    }

    mutating func release(_ cost: Credits) throws { held = try held.minus(cost) }

    /// For a value behind an optional, which can be changed through a method alone.
    fileprivate mutating func changed(by change: (inout Usage) throws -> Void) throws { try change(&self) }
}

extension Credits {
    /// A sum that must fit: ``Policy`` has admitted nothing that makes it too large.
    func plus(_ other: Credits) throws -> Credits {
        guard let sum = adding(other) else { throw MeteringError.balanceTooLarge }
        return sum
    }

    func minus(_ other: Credits) throws -> Credits {
        guard let difference = subtracting(other) else { throw MeteringError.balanceTooLarge }
        return difference
    }
}
