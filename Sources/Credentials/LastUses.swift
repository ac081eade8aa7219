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

    func note(_ key: TokenID, _ now: Timestamp) {
        state.withLock { state in state.noted[key] = max(state.noted[key] ?? now, now) }
    }

    /// What waits to be written. Whoever takes it says with ``wrote(_:)`` how that ended.
    func take() -> [TokenID: Timestamp] {
        state.withLock { state in
            state.writing.merge(state.noted, uniquingKeysWith: max)
            state.noted = [:]
            return state.writing
        }
    }

    func wrote(_ isDone: Bool) {
        state.withLock { state in
            if isDone { state.written = state.writing } else { state.noted.merge(state.writing, uniquingKeysWith: max) }
            state.writing = [:]
        }
    }

    /// A use that may not be in the database yet.
    func latest(of key: TokenID) -> Timestamp? {
        state.withLock { state in
            [state.noted[key], state.writing[key], state.written[key]].compactMap(\.self).max()
        }
    }
}
