import Accounts
import Audit
import Catalog
import Credentials
package import Database
import Policy
package import Secrets
import Synchronization
package import Values

/// Credits: what was granted, what is held for calls under way, what was charged, and the record that explains it all.
///
/// A *purse* knows, for one account, its keys and their months, exactly what was granted, charged and held. All purses are
/// in this process, which is their one owner, so ``hold(_:under:)`` is an answer from memory: all three bounds of a call
/// together, or the denial. A call goes upstream only under a hold.
///
/// When the call was served, ``charge(_:_:answer:wake:done:)`` writes one row into the *charge log*. All that wait share
/// a commit. When it is on disk, the answer may end. A call that was not served is given back by ``release(_:as:)``, writes
/// nothing, and is counted.
///
/// About once a second the *fold* sums the log into totals by account, key, month and day, and files the charges by
/// account. What is shown is the totals and the log behind them, so it is current to the last commit. A crash forgets
/// holds, and with them the calls whose charge was not on disk: it errs in the customer's favour.
///
/// Whatever changes what a call may spend passes through here before it is answered. Grants and corrections change the
/// purse. Limits, suspension and deletion come with the stamp that the call was decided under (``Generations``): a hold
/// under an old stamp is not made.
///
/// This room owns the tables `ledger`, `charges`, `charge_subjects`, `charge_index`, `fold`, `balances`,
/// `credential_usage`, `credential_months`, `usage_days`, `refused_calls`, `idempotent_calls` and `kept_answers`. It must
/// not know HTTP, nor what a call is for; what it may cost is told to it with the versions that make it so.
package final class Metering: Sendable {
    let database: Database
    let clock: Clock
    let ids: EntryIDs
    let purses: Purses
    let loading: Loading
    let folding: Folding
    let refused: RefusedCalls
    private let generations: Generations
    private let log: ChargeLog
    private let claims = Claims()
    private let sealing: SealingBox
    private let entropy: Entropy

    /// - Parameters:
    ///   - generations: the one that the domains tell their changes to.
    ///   - foldAfter: how long after a charge the log is folded; `nil` for only when asked.
    ///   - purses: how many are held in memory, when none of them has a call under way.
    ///   - onBrokenBound: called with a sentence when the record breaks a bound that the purses have kept; is to end the
    ///     process.
    package init(
        database: Database, sealing: SealingBox, generations: Generations, entropy: Entropy, clock: Clock,
        foldAfter: Duration? = .seconds(1), purses capacity: Int = 50_000,
        onBrokenBound: @escaping @Sendable (String) -> Void
    ) {
        self.database = database
        self.sealing = sealing
        self.entropy = entropy
        self.clock = clock
        self.generations = generations
        ids = EntryIDs()
        purses = Purses(ids: ids, capacity: capacity)
        refused = RefusedCalls()
        folding = Folding(database, purses, refused, pause: foldAfter, onBrokenBound: onBrokenBound)
        loading = Loading(database, purses, ids, folding)
        log = ChargeLog(database, purses, clock, folding)
    }

    // MARK: The one path of a call

    /// Holds what a call may cost, or says why not. From memory, so it may be asked on an event loop.
    ///
    /// A denial is not counted here: see ``noteRefused(_:of:as:at:)``.
    /// - Parameter stamp: from before the facts were read that the call was decided by.
    package func hold(_ call: MeteredCall, under stamp: Generations.Stamp) -> HoldAnswer {
        if call.idempotency != nil, call.claim?.isOpen != true { return .unknown }
        let decision = generations.whileCurrent(stamp) { purses.hold(call) }
        switch decision {
        case .held(let id, let remaining)?: return .held(Hold(id, call, remaining: remaining, in: purses))
        case .unknown?: return .unknown
        case .denied(let denial)?:
            call.claim?.end()
            return .denied(denial)
        case nil:
            // The call that is decided anew is another one.
            call.claim?.end()
            return .changed
        }
    }

    /// Brings into memory what ``hold(_:under:)`` needs. A call with an idempotency key becomes the one call with it.
    /// - Throws: ``IdempotencyRefusal`` when it can't be; failures of the database as they are.
    package func prepare(_ call: MeteredCall) async throws -> Prepared {
        guard let key = call.idempotency, call.claim?.isOpen != true else {
            try await loading.load(call.account, call.credential, call.month)
            return .ready(call)
        }
        let claim = Result { () throws(IdempotencyRefusal) in try claims.claim(key, of: call.credential) }
        // What was charged before is on disk now, and nothing with this key is charged beside a claim.
        if let kept = try await kept(for: key, of: call.credential, at: call.time) {
            guard kept.entry.bodyDigest == key.bodyDigest else { throw IdempotencyRefusal.otherBody }
            guard let answer = kept.answer else {
                throw IdempotencyRefusal.notReplayable(charge: Identifier(number: kept.entry.charge))
            }
            return .answered(try open(answer, of: kept.entry.charge))
        }
        let claimed = call.claimed(by: try claim.get())
        try await loading.load(call.account, call.credential, call.month)
        return .ready(claimed)
    }

    private typealias Kept = (entry: IdempotencyTable.Entry, answer: String?)

    /// The call that was charged with this key within the time that calls are remembered.
    private func kept(
        for key: IdempotencyKey, of credential: Identifier, at now: Timestamp
    ) async throws -> Kept? {
        try await database.read { connection in
            guard let entry = try IdempotencyTable.find(key, of: credential, connection),
                IdempotencyKey.isRemembered(entry.createdAt, at: now)
            else { return nil }
            return (entry, try IdempotencyTable.answer(key, of: credential, connection))
        }
    }

    /// The answer that was kept for this very call, when it was made and charged within the time that calls are
    /// remembered.
    package func answer(to call: IdempotencyKey, of credential: Identifier) async throws -> StoredAnswer? {
        guard let kept = try await kept(for: call, of: credential, at: clock.now()),
            kept.entry.bodyDigest == call.bodyDigest, let sealed = kept.answer
        else { return nil }
        return try open(sealed, of: kept.entry.charge)
    }

    private func open(_ sealed: String, of charge: Int64) throws -> StoredAnswer {
        let answer = try sealing.open(sealed, context: StoredAnswer.context(Identifier(number: charge)))
        return StoredAnswer(bytes: answer.withBytes { Array($0) })
    }

    /// Turns a hold into a charge. When `done` is called with success, the charge is on disk and the answer may end. When
    /// it is called with a failure, nothing was charged, and the hold is as it was.
    /// - Parameters:
    ///   - amount: at most what is held. The rest is given back.
    ///   - answer: what a repetition of the call is to get; `nil` when it can't be replayed. Kept only for a call with an
    ///     idempotency key.
    ///   - wake: where `done` is called.
    package func charge(
        _ hold: Hold, _ amount: Credits, answer: StoredAnswer?, wake: Wake,
        done: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        guard amount >= .zero, amount <= hold.cost else {
            return wake.run { done(.failure(MeteringError.chargeAboveHold)) }
        }
        let sealed =
            hold.isRepeatable
            ? answer.map { sealing.seal(Secret($0.bytes), context: StoredAnswer.context(hold.id), entropy: entropy) }
            : nil
        guard hold.beginCharge() else {
            // Somebody else has ended it, which only a fault of ours can be: no answer may go out on it.
            return wake.run { done(.failure(MeteringError.holdNotOpen)) }
        }
        log.append(ChargeLog.Waiting(hold: hold, amount: amount, sealedAnswer: sealed, wake: wake, done: done))
    }

    /// The same for a task. Not cut short by cancellation.
    /// - Parameter amount: `nil` for all that is held.
    package func charge(_ hold: Hold, _ amount: Credits? = nil, answer: StoredAnswer? = nil) async throws {
        try await withCheckedThrowingContinuation { continuation in
            charge(hold, amount ?? hold.cost, answer: answer, wake: .here) { continuation.resume(with: $0) }
        }
    }

    /// Gives back what a call held that was not served, and counts it.
    /// - Parameter code: the stable code of the reason.
    package func release(_ hold: Hold, as code: String) {
        guard hold.release() else { return }
        noteRefused(hold.call.credential, of: hold.call.account, as: code, at: hold.call.time)
    }

    /// Counts a call that was denied before there was a hold.
    /// - Parameter credential: a key that is known to be this account's.
    package func noteRefused(
        _ credential: Identifier, of account: Identifier, as code: String, at time: Timestamp
    ) {
        let line = RefusedCallsLine(account: account, credential: credential, code: code, day: Day(of: time))
        if refused.note(line) { folding.note(0) }
    }

    // MARK: Beginning and end

    /// Folds what the last process has left in the log. Whoever needs it waits for it anyway; to be called before the first
    /// call, so that none has to.
    package func begin() async throws { try await loading.begin() }

    /// Folds all that there is. Not needed for anything to be right.
    package func fold() async throws {
        try await loading.begin()
        try await folding.fold()
    }

    /// Waits until every charge that was asked for is on disk and folded, or the deadline comes; the next start does what
    /// is left.
    package func drain(for patience: Duration) async {
        let end = ContinuousClock.now + patience
        while !log.isIdle, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
        let hasFolded = Flag()
        Task { [self] in
            try? await fold()
            hasFolded.isUp.store(true, ordering: .releasing)
        }
        while !hasFolded.isUp.load(ordering: .acquiring), ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }
}

private final class Flag: Sendable {
    let isUp = Atomic(false)
}

/// Why something about credits can't be done as asked.
package enum MeteringError: Error, Sendable, Equatable {
    case noSuchAccount
    /// The sum would not fit in 64 bits.
    case balanceTooLarge
    case balanceTooSmall(available: Credits)
    /// A hold that has ended already, or is being charged.
    case holdNotOpen
    /// A call can't cost more than was held for it.
    case chargeAboveHold
    /// A report would be longer than anybody reads.
    case tooManyRows(limit: Int)
}
