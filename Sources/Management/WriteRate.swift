import Synchronization
package import Values

/// How many changes, or tests of providers, each account may ask for in a minute, whoever of it asks and with what: a
/// bucket that holds a minute's worth and fills evenly.
///
/// Each change is a row, an entry of the audit record and a wait for the disk; without a rate one tenant could fill the
/// disk and hold up everybody's writes. What is kept of a bucket is the one moment at which it will be full again, so an
/// account that has been quiet for a minute needs nothing in memory.
package final class WriteRate: Sendable {
    /// Two tables, of which the older is given up when the newer is full: a flood from very many accounts costs some
    /// buckets their memory, and nobody their way in.
    private struct State {
        var newer: [Identifier: Timestamp] = [:]
        var older: [Identifier: Timestamp] = [:]
    }

    private let state = Mutex(State())
    private let perMinute: Int
    private let capacity: Int
    /// How long one change takes to come back, in microseconds.
    private let interval: Int64

    /// - Parameter capacity: how many buckets one of the two tables holds.
    package init(perMinute: Int, capacity: Int = 10_000) {
        precondition((1...60_000_000).contains(perMinute) && capacity > 0)
        self.perMinute = perMinute
        self.capacity = capacity
        interval = 60_000_000 / Int64(perMinute)
    }

    /// Takes one change out of an account's bucket.
    /// - Returns: `nil` when there was one; otherwise in how many seconds there will be.
    package func take(from account: Identifier, at now: Timestamp) -> Int? {
        state.withLock { state in
            let empty = interval * Int64(perMinute)
            var missing = (state.newer[account] ?? state.older[account]).map { $0.microseconds - now.microseconds } ?? 0
            // A bucket that fills much later than an empty one would was used by a clock that was ahead.
            let isAhead = missing > empty && !now.adding(.microseconds(missing - empty)).hasBeen(at: now)
            if missing < 0 || isAhead { missing = 0 }
            if missing + interval > empty {
                return Int((missing + interval - empty + 999_999) / 1_000_000)
            }
            if state.newer[account] == nil, state.newer.count >= capacity {
                state.older = state.newer
                state.newer = [:]
            }
            state.newer[account] = now.adding(.microseconds(missing + interval))
            return nil
        }
    }
}
