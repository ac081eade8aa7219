import Database
import Synchronization
import Values

/// The one place where calls are charged: takes all charges that wait, writes a row for each in one transaction, and
/// answers them when it is on disk (group commit).
///
/// It starts at once when idle, so a lone charge waits for one commit; while a commit runs, the next batch gathers, so a
/// crowd shares one. Charges are always taken: there are never more of them than holds, and those are bounded.
final class ChargeLog: Sendable {
    /// The most that one transaction takes.
    static let batch = 512
    /// The most of kept answers that one transaction takes, in bytes.
    static let batchBytes = 8 << 20

    /// One charge that waits.
    struct Waiting: Sendable {
        let hold: Hold
        let amount: Credits
        let sealedAnswer: String?
        let wake: Wake
        let done: @Sendable (Result<Void, any Error>) -> Void
    }

    private struct State {
        var queue: [Waiting] = []
        /// What the transaction under way has taken.
        var current: [Waiting] = []
        var isRunning = false
    }

    private let state = Mutex(State())
    private let subjects = SubjectNumbers()
    private let database: Database
    private let purses: Purses
    private let clock: Clock
    private let folding: Folding

    init(_ database: Database, _ purses: Purses, _ clock: Clock, _ folding: Folding) {
        self.database = database
        self.purses = purses
        self.clock = clock
        self.folding = folding
    }

    var isIdle: Bool { state.withLock { !$0.isRunning } }

    /// `waiting.done` is called when the charge is on disk, or can't be. Its hold must be in the phase of being charged.
    func append(_ waiting: Waiting) {
        let mustStart = state.withLock { state in
            state.queue.append(waiting)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart { start() }
    }

    /// Asks for the writer's next turn. Which charges it takes is decided when the turn comes, on the writer's queue, so
    /// that all that have come by then share it; no other thread has to wake up between one commit and the next.
    private func start() {
        database.write { [self] connection in
            let batch = take()
            try write(batch, connection)
        } done: { [self] result in
            answer(result)
            let isMore = state.withLock { state in
                state.isRunning = !state.queue.isEmpty
                return state.isRunning
            }
            if isMore { start() }
        }
    }

    /// The next batch, in the order of arrival.
    private func take() -> [Waiting] {
        state.withLock { state in
            var bytes = 0
            var count = 0
            for waiting in state.queue.prefix(Self.batch) where bytes < Self.batchBytes {
                bytes += waiting.sealedAnswer?.utf8.count ?? 0
                count += 1
            }
            state.current = Array(state.queue.prefix(count))
            state.queue.removeFirst(count)
            return state.current
        }
    }

    private func write(_ batch: [Waiting], _ connection: Connection) throws {
        var rows = try ChargeTable.Rows(connection)
        for waiting in batch {
            let call = waiting.hold.call
            let subject = try subjects.number(of: call.subject, connection)
            try rows.insert(
                waiting.hold.number, subject, waiting.amount,
                offset: EntryIDs.offset(of: waiting.hold.number, at: call.time))
            guard let key = call.idempotency else { continue }
            try IdempotencyTable.insert(key, of: waiting.hold, answer: waiting.sealedAnswer, connection)
            try IdempotencyTable.deleteExpired(at: clock.now(), atMost: 16, connection)
        }
    }

    private func answer(_ result: Result<Void, any Error>) {
        subjects.end(isCommitted: (try? result.get()) != nil)
        // A transaction that could not even begin took nothing; what it would have taken is refused with it.
        if state.withLock({ $0.current.isEmpty }), case .failure = result { _ = take() }
        let batch = state.withLock { state in
            defer { state.current = [] }
            return state.current
        }
        let isCommitted = if case .success = result { true } else { false }
        if isCommitted { purses.charge(batch.map { ($0.hold.call, $0.amount) }) }
        for waiting in batch { waiting.hold.endCharge(isCommitted: isCommitted) }
        wake(batch, result)
        if isCommitted { folding.note(batch.count) }
    }

    /// Runs what waits for these charges, each event loop's in one go.
    private func wake(_ batch: [Waiting], _ result: Result<Void, any Error>) {
        var byWake: [(wake: Wake, waiting: [Waiting])] = []
        for waiting in batch {
            // Event loops are few.
            if let index = byWake.firstIndex(where: { $0.wake === waiting.wake }) {
                byWake[index].waiting.append(waiting)
            } else {
                byWake.append((waiting.wake, [waiting]))
            }
        }
        for (wake, waiting) in byWake {
            wake.run { for one in waiting { one.done(result) } }
        }
    }
}
