import Synchronization
package import Values

/// So many calls of one key that were not served, for one reason, on one UTC day.
package struct RefusedCallsLine: Sendable, Hashable {
    package let account: Identifier
    package let credential: Identifier
    /// The stable code of the refusal, such as `monthly_limit_reached` or `upstream_failed`.
    package let code: String
    package let day: Day
}

/// Counts of calls that were not served, which cost nothing and have no entry in the ledger. In memory until the next
/// fold, so a crash loses up to a second of them.
final class RefusedCalls: Sendable {
    /// So many different lines are held. Calls of others are not counted until the next fold.
    static let most = 10_000

    private struct State {
        var counts: [RefusedCallsLine: Int64] = [:]
        /// What the fold under way writes.
        var writing: [RefusedCallsLine: Int64] = [:]
        /// How often something came to the disk.
        var writes: UInt64 = 0
    }

    private let state = Mutex(State())

    /// - Returns: whether it is the first since the last fold.
    func note(_ line: RefusedCallsLine) -> Bool {
        state.withLock { state in
            guard state.counts[line] != nil || state.counts.count < Self.most else { return false }
            state.counts[line, default: 0] += 1
            return state.counts.count == 1
        }
    }

    /// Takes all for writing.
    func take() -> [RefusedCallsLine: Int64] {
        state.withLock { state in
            let counts = state.counts
            state.counts = [:]
            Self.add(counts, to: &state.writing)
            return counts
        }
    }

    /// What was taken is on disk now, or is back.
    func wrote(_ counts: [RefusedCallsLine: Int64], isCommitted: Bool) {
        state.withLock { state in
            for (line, count) in counts {
                let rest = (state.writing[line] ?? 0) - count
                state.writing[line] = rest == 0 ? nil : rest
            }
            if isCommitted { state.writes += 1 } else { Self.add(counts, to: &state.counts) }
        }
    }

    /// The same before and after: what was not on disk before is not on disk after.
    var writes: UInt64 { state.withLock { $0.writes } }

    /// What is not on disk yet, of one account.
    func lines(of account: Identifier) -> [RefusedCallsLine: Int64] {
        state.withLock { state in
            var lines = state.counts.filter { $0.key.account == account }
            Self.add(state.writing.filter { $0.key.account == account }, to: &lines)
            return lines
        }
    }

    private static func add(_ counts: [RefusedCallsLine: Int64], to sums: inout [RefusedCallsLine: Int64]) {
        for (line, count) in counts { sums[line, default: 0] += count }
    }
}
