import Synchronization
import Values

/// Rows that calls need again and again, held in memory, never older than the last commit.
///
/// One process owns the database, so what was committed here is all there is. A writer calls ``invalidate(_:)`` after
/// its commit and before its answer; from then on every look-up reads the new state. A look-up that read the old state
/// just before that commit must not put it back: each load remembers the generation it began in and is kept only when
/// no invalidation came in between.
package final class ReadThrough<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var values: BoundedTable<Key, Value>
        var generation: UInt64 = 0
    }

    private let state: Mutex<State>
    private let load: @Sendable (Key) async throws -> Value?

    /// - Parameters:
    ///   - capacity: how many values are held at most; a full table gives up a random one.
    ///   - load: reads one from the database; absent ones are not held.
    package init(capacity: Int, load: @escaping @Sendable (Key) async throws -> Value?) {
        state = Mutex(State(values: BoundedTable(capacity: capacity)))
        self.load = load
    }

    /// What is in memory now, without waiting.
    package func held(_ key: Key) -> Value? { state.withLock { $0.values[key] } }

    /// The value as of a commit no older than the last one before this call; `nil` when there is none.
    package func value(_ key: Key) async throws -> Value? {
        let (held, began) = state.withLock { ($0.values[key], $0.generation) }
        if let held { return held }
        guard let value = try await load(key) else { return nil }
        state.withLock { state in
            guard state.generation == began else { return }
            state.values.insert(value, for: key)
        }
        return value
    }

    /// Forgets one value, and whatever loads of any key are under way.
    package func invalidate(_ key: Key) {
        state.withLock { state in
            state.values.remove(key)
            state.generation += 1
        }
    }

    /// Forgets everything that `isStale` says yes to, and whatever loads are under way.
    package func invalidate(where isStale: (Key, Value) -> Bool) {
        state.withLock { state in
            state.values.removeAll(where: isStale)
            state.generation += 1
        }
    }
}
