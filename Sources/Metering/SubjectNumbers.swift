import Database
import Synchronization
import Values

/// The numbers of what charges are for, as far as they are known. Used on the writer's queue.
final class SubjectNumbers: Sendable {
    private struct State {
        var known = BoundedTable<CallSubject, Int64>(capacity: 50_000)
        /// Of the transaction under way: on disk only when that is.
        var new: [CallSubject: Int64] = [:]
    }

    private let state = Mutex(State())

    /// The number of a subject, which gets one when it is the first charge for it.
    func number(of subject: CallSubject, _ connection: Connection) throws -> Int64 {
        if let number = state.withLock({ $0.known[subject] ?? $0.new[subject] }) { return number }
        let number = try SubjectTable.number(of: subject, connection)
        state.withLock { $0.new[subject] = number }
        return number
    }

    /// After the transaction.
    func end(isCommitted: Bool) {
        state.withLock { state in
            if state.new.isEmpty { return }
            if isCommitted { for (subject, number) in state.new { state.known.insert(number, for: subject) } }
            state.new = [:]
        }
    }
}
