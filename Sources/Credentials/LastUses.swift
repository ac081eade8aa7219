import Secrets
import Synchronization
import Values

/// When each secret was last used, on its way to the database.
///
/// A write for every call would cost more than the call, and nobody needs the exact time. So a use is noted in memory
/// and written every few seconds. A crash loses only the last few seconds.
final class LastUses: Sendable {
    private struct State {
        var noted: [TokenID: Timestamp] = [:]
        /// Being written: readers see them until they are.
        var writing: [TokenID: Timestamp] = [:]
        /// Written the last time. Who has read the database just before that sees them here.
        var written: [TokenID: Timestamp] = [:]
    }

    private let state = Mutex(State())

    func note(_ secret: TokenID, _ now: Timestamp) {
        state.withLock { state in state.noted[secret] = Self.latest(state.noted[secret], now) }
    }

    /// The later one of a use and the next one that was noted, unless it is of a clock that was ahead.
    private static func latest(_ earlier: Timestamp?, _ next: Timestamp) -> Timestamp {
        guard let earlier, earlier.hasBeen(at: next) else { return next }
        return max(earlier, next)
    }

    /// What waits to be written. Whoever takes it says with ``wrote(_:)`` how that ended.
    func take() -> [TokenID: Timestamp] {
        state.withLock { state in
            state.writing.merge(state.noted) { Self.latest($0, $1) }
            state.noted = [:]
            return state.writing
        }
    }

    func wrote(_ isDone: Bool) {
        state.withLock { state in
            if isDone {
                state.written = state.writing
            } else {
                state.noted.merge(state.writing) { Self.latest($1, $0) }
            }
            state.writing = [:]
        }
    }

    /// A use that may not be in the database yet.
    /// - Parameter stored: the one that is in the database.
    func latest(of secret: TokenID, stored: Timestamp?) -> Timestamp? {
        state.withLock { state in
            // In the order in which they were noted.
            [stored, state.written[secret], state.writing[secret], state.noted[secret]].compactMap(\.self).reduce(nil) {
                Self.latest($0, $1)
            }
        }
    }
}
