import Database
import Policy
import Synchronization
import Values

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
    /// The most of kept answers that one transaction takes, in bytes.
    static let batchBytes = 8 << 20
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
        /// The call was answered before, under this hold.
        case answered(Identifier)
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
        /// What the transaction under way has taken.
        var current: [Waiting] = []
        /// What failed together and is to be tried one by one.
        var alone: [Waiting] = []
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
            if mustStart { start() }
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

    /// Asks for the writer's next turn. Which operations it takes is decided when the turn comes, on the writer's queue,
    /// so that all that have come by then share it; no other thread has to wake up between one commit and the next.
    private func start() {
        database.write { [self] connection in
            let batch = take()
            var transaction = Batch(connection, ids, clock.now())
            let outcomes = try batch.map { try transaction.apply($0.operation) }
            try transaction.flush()
            return outcomes
        } done: { [self] result in
            answer(result)
            let isMore = state.withLock { state in
                state.isRunning = !(state.queue.isEmpty && state.alone.isEmpty)
                return state.isRunning
            }
            if isMore { start() }
        }
    }

    private func answer(_ result: Result<[Outcome], any Error>) {
        // A transaction that could not even begin took nothing; what it would have taken is refused with it.
        if state.withLock({ $0.current.isEmpty }), case .failure = result { _ = take() }
        let batch = state.withLock { state in
            defer { state.current = [] }
            return state.current
        }
        switch result {
        case .success(let outcomes):
            for (waiting, outcome) in zip(batch, outcomes) { waiting.answer.resume(returning: outcome) }
        case .failure(let error) where batch.count > 1 && Self.isOfOne(error):
            // The others are not to suffer: each gets a turn of its own.
            state.withLock { $0.alone += batch }
        case .failure(let error):
            // Nothing of it was recorded, so nobody may act on any of it.
            for waiting in batch { waiting.answer.resume(throwing: error) }
        }
    }

    /// Whether the schema has said no to one operation, which a rule above should have.
    private static func isOfOne(_ error: any Error) -> Bool {
        [DatabaseFailure.constraint, .notUnique, .foreignKey].contains { $0 == error as? DatabaseFailure }
    }

    /// The next batch, in the order of arrival. Holds that have waited too long are refused unrecorded.
    private func take() -> [Waiting] {
        let (batch, late) = state.withLock { state -> ([Waiting], [Waiting]) in
            if !state.alone.isEmpty {
                state.current = [state.alone.removeFirst()]
                return (state.current, [])
            }
            var late: [Waiting] = []
            var (taken, bytes) = (0, 0)
            let now = ContinuousClock.now
            for waiting in state.queue {
                if state.current.count >= Self.batch || bytes >= Self.batchBytes { break }
                taken += 1
                if case .charge(_, let answer?) = waiting.operation { bytes += answer.utf8.count }
                if case .hold = waiting.operation {
                    state.holds -= 1
                    if now - waiting.since > Self.patience {
                        late.append(waiting)
                        continue
                    }
                }
                state.current.append(waiting)
            }
            state.queue.removeFirst(taken)
            return (state.current, late)
        }
        for waiting in late { waiting.answer.resume(throwing: Denial.overloaded) }
        return batch
    }
}
