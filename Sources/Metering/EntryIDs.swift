import Synchronization
import Values

/// Identifiers of ledger entries, each greater than the one before, so that the order of entries is the order in which
/// they were recorded, also within a millisecond and when the clock steps back. Called inside the one writer's
/// transactions only.
package final class EntryIDs: Sendable {
    private struct State {
        var millisecond: Int64 = .min
        var random: (UInt64, UInt64) = (0, 0)
    }

    private let state = Mutex(State())
    private let entropy: Entropy

    init(_ entropy: Entropy) { self.entropy = entropy }

    func next(at time: Timestamp) -> Identifier {
        state.withLock { state in
            // An identifier has no time before 1970.
            let millisecond = max(0, time.milliseconds)
            if millisecond > state.millisecond {
                state.millisecond = millisecond
                // The upper half is left free to count up in: 2⁶¹ entries in a millisecond.
                state.random = (entropy.word(), entropy.word() >> 1)
            } else {
                // The identifier leaves out the two lowest bits (RFC 9562 §6.2, method 2).
                state.random.1 += 4
            }
            return Identifier(at: Timestamp(microseconds: state.millisecond * 1000), random: state.random)
        }
    }
}
