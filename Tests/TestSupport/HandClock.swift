import Synchronization
package import Values

/// A clock that a test turns by hand.
package final class HandClock: Sendable {
    private let time: Mutex<Timestamp>

    package init(_ start: Timestamp) { time = Mutex(start) }

    package var now: Timestamp { time.withLock { $0 } }
    package var clock: Clock { Clock { self.now } }

    package func advance(_ duration: Duration) { time.withLock { $0 = $0.adding(duration) } }
    package func set(_ moment: Timestamp) { time.withLock { $0 = moment } }
    /// Goes on to a moment, unless it is past.
    package func reach(_ moment: Timestamp) { time.withLock { $0 = max($0, moment) } }
}
