import Synchronization
import Values

/// Numbers of ledger entries, each greater than the one before, also within a millisecond and when the clock steps back.
///
/// A number is 42 bits of milliseconds, 7 bits that say who made it (one process alone, today: zero) and 14 bits that
/// count; the entry's public name is the ``Identifier`` of it. It is given when a call is held, so that the name of its
/// charge is known before there is one.
final class EntryIDs: Sendable {
    private struct State {
        var millisecond: Int64 = 0
        var count: Int64 = 0
    }

    private static let countBits = 14
    private static let laneBits = Identifier.serialBits - countBits

    private let state = Mutex(State())
    private let lane: Int64

    init(lane: Int64 = 0) {
        precondition((0..<1 << Self.laneBits).contains(lane), "a lane has 7 bits")
        self.lane = lane
    }

    /// What was given before, by whoever had this database, is not given again.
    func begin(after number: Int64) {
        state.withLock { state in
            let millisecond = number >> Identifier.serialBits
            let count = number & (1 << Self.countBits - 1)
            if (millisecond, count) > (state.millisecond, state.count) {
                (state.millisecond, state.count) = (millisecond, count)
            }
        }
    }

    func next(at time: Timestamp) -> Int64 {
        let now = Self.millisecond(of: time)
        return state.withLock { state in
            if now > state.millisecond {
                (state.millisecond, state.count) = (now, 0)
            } else if state.count + 1 < 1 << Self.countBits {
                state.count += 1
            } else {
                (state.millisecond, state.count) = (state.millisecond + 1, 0)
            }
            return state.millisecond << Identifier.serialBits | lane << Self.countBits | state.count
        }
    }

    /// A number has no time before 1970, and none after 2039: from there on it only counts.
    private static func millisecond(of time: Timestamp) -> Int64 {
        min(max(0, time.milliseconds), last)
    }

    /// The last millisecond that a number has for its time.
    private static let last: Int64 = 1 << (62 - Int64(Identifier.serialBits))

    /// No number that was given at this time or later is below it.
    static func least(at time: Timestamp) -> Int64 { millisecond(of: time) << Identifier.serialBits }

    /// No entry whose number is below this one is of this time or later.
    static func end(below number: Int64) -> Timestamp {
        let millisecond = (number - 1) >> Int64(Identifier.serialBits)
        return millisecond < last ? Timestamp(microseconds: (millisecond + 1) * 1000) : .latest
    }

    /// By how many microseconds a call was admitted after the beginning of its number's millisecond. Below a thousand,
    /// unless the clock stepped.
    static func offset(of number: Int64, at time: Timestamp) -> Int64 {
        time.microseconds - (number >> Identifier.serialBits) * 1000
    }
}
