import Database
import Dispatch
import Synchronization
import Values

/// When the log is folded: about a second after something has come, at once when much has, and when somebody asks.
///
/// With the fold go the counts of calls that were not served, which are only in memory until then.
final class Folding: Sendable {
    /// The most charges of one transaction.
    static let batch = 8192
    /// So many charges after the last fold ask for the next one at once.
    static let urgent = 16_384

    private struct State {
        var unfolded = 0
        var isAsked = false
        var isUrgentAsked = false
    }

    private let state = Mutex(State())
    private let database: Database
    private let purses: Purses
    private let refused: RefusedCalls
    /// How long after a charge; `nil` for only when asked.
    private let pause: Duration?
    private let onBrokenBound: @Sendable (String) -> Void

    init(
        _ database: Database, _ purses: Purses, _ refused: RefusedCalls, pause: Duration?,
        onBrokenBound: @escaping @Sendable (String) -> Void
    ) {
        self.database = database
        self.purses = purses
        self.refused = refused
        self.pause = pause
        self.onBrokenBound = onBrokenBound
    }

    /// So many charges are in the log that were not before.
    func note(_ count: Int) {
        guard let pause else { return }
        let (isFirst, isUrgent) = state.withLock { state in
            state.unfolded += count
            let isUrgent = state.unfolded >= Self.urgent && !state.isUrgentAsked
            let isFirst = !state.isAsked
            state.isUrgentAsked = state.isUrgentAsked || isUrgent
            state.isAsked = true
            return (isFirst, isUrgent)
        }
        if isUrgent {
            step()
        } else if isFirst {
            let (seconds, attoseconds) = pause.components
            let wait = DispatchTimeInterval.milliseconds(Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
            DispatchQueue.global().asyncAfter(deadline: .now() + wait) { [weak self] in self?.step() }
        }
    }

    /// Folds all that is there.
    func fold() async throws {
        while true {
            let count = try await withCheckedThrowingContinuation { continuation in
                fold { continuation.resume(with: $0) }
            }
            if count < Self.batch { return }
        }
    }

    /// One transaction, and more while there is much.
    private func step() {
        fold { [weak self] result in
            guard let self else { return }
            if case .success(let count) = result, count >= Self.batch { return step() }
            let isLeft = state.withLock { state in
                if case .success = result { state.unfolded = 0 }
                state.isAsked = false
                state.isUrgentAsked = false
                return state.unfolded > 0
            }
            // What could not be written now is tried again.
            if isLeft { note(0) }
        }
    }

    private func fold(_ done: @escaping @Sendable (Result<Int, any Error>) -> Void) {
        let counts = refused.take()
        database.write { connection in
            try RefusedCallTable.add(counts, connection)
            return try FoldResult(Fold(atMost: Self.batch, connection))
        } done: { [purses, refused, onBrokenBound] result in
            switch result {
            case .success(let fold):
                purses.fold(fold.counts)
                refused.wrote(counts, isCommitted: true)
                done(.success(fold.count))
            case .failure(let error):
                refused.wrote(counts, isCommitted: false)
                if error as? DatabaseFailure == .constraint || error as? MeteringError == .balanceTooLarge {
                    onBrokenBound("the charges in the log do not fit into what was granted for them")
                }
                done(.failure(error))
            }
        }
    }
}

/// What a fold tells to those outside its transaction.
private struct FoldResult: Sendable {
    let counts: [Fold.Key: Int]
    let count: Int

    init(_ fold: Fold) {
        counts = fold.counts
        count = fold.count
    }
}
