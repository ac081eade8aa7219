import Accounts
package import Audit
import Catalog
import Credentials
package import Database
import Policy
package import Secrets
package import Values

/// Credits: what was granted, what is held for calls under way, what was charged, and the record that explains it all.
///
/// A call is held before it goes to the upstream, and its hold becomes a charge when the upstream has begun a
/// successful answer, or a void when it has not. Every step is an entry of the ledger, which is only ever added to;
/// balances and totals beside it are caches that the schema bounds and `latchkey ledger check` proves against the
/// entries. Whether a call fits into the key's limit, its limit for the month and the account's balance is decided in
/// the transaction that records its hold, so no race and no crash gets a call past any of them.
///
/// This room owns the tables `ledger`, `holds`, `balances`, `credential_usage`, `credential_months`, `usage_days`,
/// `idempotent_calls` and `kept_answers`. It must not know HTTP, nor what a call is for; what it costs is told to it
/// with the versions that make it so.
package struct Metering: Sendable {
    let database: Database
    let clock: Clock
    let ids: EntryIDs
    private let committer: Committer
    private let sealing: SealingBox
    private let entropy: Entropy

    package init(database: Database, sealing: SealingBox, entropy: Entropy, clock: Clock) {
        self.database = database
        self.sealing = sealing
        self.entropy = entropy
        self.clock = clock
        ids = EntryIDs(entropy)
        committer = Committer(database, ids, clock)
    }

    // MARK: The one path of a call

    /// Decides about a call and holds its cost. When this returns a hold, it is on disk.
    /// - Throws: the ``Denial`` of the first bound that the call does not fit into; ``IdempotencyRefusal``;
    ///   ``Denial/overloaded`` when too many wait.
    package func hold(_ call: MeteredCall) async throws -> HoldOutcome {
        switch try await committer.commit(.hold(call)) {
        case .held(let hold): return .held(hold)
        case .denied(let denial): throw denial
        case .refused(let refusal): throw refusal
        case .answered(let first):
            let sealed = try await database.read { connection in
                try call.idempotency.flatMap { try IdempotencyTable.answer($0, of: call.credential, connection) }
            }
            // It went with its day, just now: the next attempt is a new call.
            guard let sealed else { throw IdempotencyRefusal.inFlight }
            return .answered(try open(sealed, of: first))
        case .settled, .notOpen: preconditionFailure("the committer answers a hold with a hold")
        }
    }

    /// The answer that was kept for this very call, when it was made and charged within the time that calls are
    /// remembered.
    package func answer(to call: IdempotencyKey, of credential: Identifier) async throws -> StoredAnswer? {
        let now = clock.now()
        let kept = try await database.read { connection -> (sealed: String, hold: Identifier)? in
            guard let entry = try IdempotencyTable.find(call, of: credential, connection), entry.isSettled,
                entry.bodyDigest == call.bodyDigest, IdempotencyKey.isRemembered(entry.createdAt, at: now),
                let sealed = try IdempotencyTable.answer(call, of: credential, connection)
            else { return nil }
            return (sealed, entry.hold)
        }
        return try kept.map { try open($0.sealed, of: $0.hold) }
    }

    private func open(_ sealed: String, of hold: Identifier) throws -> StoredAnswer {
        let answer = try sealing.open(sealed, context: StoredAnswer.context(hold))
        return StoredAnswer(bytes: answer.withBytes { Array($0) })
    }

    /// Turns a hold into a charge. When this returns, the charge is on disk and the answer may end.
    /// - Parameter answer: what a repetition of the call is to get; `nil` when it can't be replayed. Kept only for a
    ///   call with an idempotency key.
    package func charge(_ hold: Hold, answer: StoredAnswer? = nil) async throws {
        let sealed =
            hold.isRepeatable
            ? answer.map { sealing.seal(Secret($0.bytes), context: StoredAnswer.context(hold.id), entropy: entropy) }
            : nil
        guard case .settled = try await committer.commit(.charge(hold, sealedAnswer: sealed)) else {
            // Somebody else has settled it, which only a fault of ours can be: no answer may go out on it.
            throw MeteringError.holdNotOpen
        }
    }

    /// Gives back what a call held. It is on disk when this returns, or, when the database refuses it now, will be
    /// as soon as it can: until then the credits stay held, and a crash gives them back.
    package func void(_ hold: Hold) async { await committer.void(hold) }

    /// Voids what a crash has left. To be called once, before the first call is served.
    /// - Returns: how many there were.
    package func voidLeftovers() async throws -> Int {
        let now = clock.now()
        return try await database.write { [ids] connection in
            let leftovers = try HoldTable.all(connection)
            var batch = Batch(connection, ids, now)
            for hold in leftovers { _ = try batch.void(hold) }
            try batch.flush()
            try IdempotencyTable.deleteOpen(connection)
            return leftovers.count
        }
    }

    /// Waits until every settlement that was asked for is on disk, or the deadline comes; what is left is voided at the
    /// next start.
    package func drain(for patience: Duration) async { await committer.drain(for: patience) }

    // MARK: Grants

    /// Gives credits to an account. Nobody can use those of a closed one, so it gets none; its balance can be corrected.
    package func grant(
        _ amount: Credits, to account: Identifier, reason: OptionalName, by author: Author
    ) async throws -> LedgerEntry {
        try await change(account, by: amount, kind: .grant, reason: reason.text, author)
    }

    /// Corrects a balance, up or down, with a reason. What is spent or held can't be taken away.
    package func adjust(
        _ account: Identifier, by amount: Credits, reason: DisplayName, by author: Author
    ) async throws -> LedgerEntry {
        try await change(account, by: amount, kind: .adjustment, reason: reason.text, author)
    }

    private func change(
        _ account: Identifier, by amount: Credits, kind: LedgerEntry.Kind, reason: String, _ author: Author
    ) async throws -> LedgerEntry {
        let now = clock.now()
        return try await database.write { [ids] connection in
            guard try Accounts.exists(account, in: connection) else { throw MeteringError.noSuchAccount }
            if kind == .grant, try !Accounts.isOpen(account, in: connection) { throw AccountsError.accountClosed }
            var balance = try BalanceTable.balance(of: account, connection)
            guard let granted = balance.granted.adding(amount) else { throw MeteringError.balanceTooLarge }
            guard let left = balance.usage.left(of: granted), left >= .zero else {
                throw MeteringError.balanceTooSmall(available: balance.available)
            }
            balance.granted = granted
            let entry = LedgerEntry(
                id: ids.next(at: now), account: account, kind: kind, amount: amount,
                reason: reason.isEmpty ? nil : reason,
                actor: author.actor, createdAt: now)
            try LedgerTable.insert(entry, connection)
            try BalanceTable.store(balance, of: account, connection)
            try author.record(
                kind == .grant ? .creditsGrant : .creditsAdjust, account: account, object: entry.id.description,
                detail: ["amount": amount.decimal, "reason": reason], at: now, in: connection)
            return entry
        }
    }
}

/// Why something about credits can't be done as asked.
package enum MeteringError: Error, Sendable, Equatable {
    case noSuchAccount
    /// The sum would not fit in 64 bits.
    case balanceTooLarge
    case balanceTooSmall(available: Credits)
    /// A hold that is settled already, or was never made.
    case holdNotOpen
    /// A report would be longer than anybody reads.
    case tooManyRows(limit: Int)
}
