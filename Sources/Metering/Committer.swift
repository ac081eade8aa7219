import Database
import Policy
import Synchronization

/// The one place where calls are admitted and settled: takes all that wait, decides and records them in one transaction,
/// and answers them when it is on disk (group commit).
///
/// It starts at once when idle, so a lone call waits for one commit; while a commit runs, the next batch gathers, so a
/// crowd shares one. Holds are bounded and wait no longer than a deadline. Settlements of holds are always taken: there
/// are never more of them than holds.
final class Committer: Sendable {
    /// Holds that may wait.
    static let depth = 4096
    /// The most that one transaction takes.
    static let batch = 512
    /// The longest that a hold waits for its turn.
    static let patience: Duration = .seconds(10)

    enum Operation: Sendable {
        case hold(MeteredCall)
        case charge(Hold, sealedAnswer: String?)
        case void(Hold)
    }

    enum Outcome: Sendable {
        case held(Hold)
        case denied(Denial)
        case refused(IdempotencyRefusal)
        case answered(SealedAnswer)
        case settled
        /// The hold was settled before.
        case notOpen
    }

    private struct Waiting: Sendable {
        let operation: Operation
        let since: ContinuousClock.Instant
        let answer: CheckedContinuation<Outcome, any Error>
    }

    private struct State {
        var queue: [Waiting] = []
        var holds = 0
        var isRunning = false
        /// Voids that the database has refused so far.
        var retrying = 0
    }

    private let state = Mutex(State())
    private let database: Database
    private let ids: EntryIDs
    private let clock: Clock

    init(_ database: Database, _ ids: EntryIDs, _ clock: Clock) {
        self.database = database
        self.ids = ids
        self.clock = clock
    }

    /// Returns when the operation is on disk, or was refused. Not cut short by cancellation: whoever asked for a hold
    /// has to learn of it, to settle it.
    func commit(_ operation: Operation) async throws -> Outcome {
        try await withCheckedThrowingContinuation { answer in
            let isHold = if case .hold = operation { true } else { false }
            let (isFull, mustStart) = state.withLock { state in
                if isHold, state.holds >= Self.depth { return (true, false) }
                if isHold { state.holds += 1 }
                state.queue.append(Waiting(operation: operation, since: .now, answer: answer))
                defer { state.isRunning = true }
                return (false, !state.isRunning)
            }
            if isFull { answer.resume(throwing: Denial.overloaded) }
            if mustStart { Task { await run() } }
        }
    }

    /// Voids a hold now, or again and again until the database takes it.
    func void(_ hold: Hold) async {
        do {
            _ = try await commit(.void(hold))
        } catch {
            state.withLock { $0.retrying += 1 }
            Task {
                repeat { try? await Task.sleep(for: .seconds(1)) } while await (try? commit(.void(hold))) == nil
                state.withLock { $0.retrying -= 1 }
            }
        }
    }

    func drain(for patience: Duration) async {
        let end = ContinuousClock.now + patience
        while state.withLock({ $0.isRunning || $0.retrying > 0 }), ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Works until nothing waits. There is never more than one of these.
    private func run() async {
        while let batch = next() {
            do {
                let outcomes = try await record(batch.map(\.operation))
                for (waiting, outcome) in zip(batch, outcomes) { waiting.answer.resume(returning: outcome) }
            } catch DatabaseFailure.constraint, DatabaseFailure.notUnique, DatabaseFailure.foreignKey {
                // The schema has said no to one of them, which a rule above should have. The others are not to suffer:
                // each on its own.
                for waiting in batch {
                    do {
                        waiting.answer.resume(returning: try await record([waiting.operation])[0])
                    } catch {
                        waiting.answer.resume(throwing: error)
                    }
                }
            } catch {
                // Nothing of it was recorded, so nobody may act on any of it.
                for waiting in batch { waiting.answer.resume(throwing: error) }
            }
        }
    }

    private func record(_ operations: [Operation]) async throws -> [Outcome] {
        try await database.write { [ids, clock] connection in
            var batch = Batch(connection, ids, clock.now())
            let outcomes = try operations.map { try batch.apply($0) }
            try batch.flush()
            return outcomes
        }
    }

    /// The next batch, in the order of arrival. Holds that have waited too long are refused unrecorded.
    private func next() -> [Waiting]? {
        let (batch, late) = state.withLock { state -> ([Waiting]?, [Waiting]) in
            var batch: [Waiting] = []
            var late: [Waiting] = []
            var taken = 0
            let now = ContinuousClock.now
            for waiting in state.queue where batch.count < Self.batch {
                taken += 1
                if case .hold = waiting.operation {
                    state.holds -= 1
                    if now - waiting.since > Self.patience {
                        late.append(waiting)
                        continue
                    }
                }
                batch.append(waiting)
            }
            state.queue.removeFirst(taken)
            if batch.isEmpty { state.isRunning = false }
            return (batch.isEmpty ? nil : batch, late)
        }
        for waiting in late { waiting.answer.resume(throwing: Denial.overloaded) }
        return batch
    }
}
