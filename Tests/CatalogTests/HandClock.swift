import Database
import Policy
import Synchronization

/// A clock that stands still until a test moves it.
final class HandClock: Sendable {
    private let time: Mutex<Timestamp>

    init(_ start: Timestamp) { time = Mutex(start) }

    var now: Timestamp { time.withLock { $0 } }
    var clock: Clock { Clock { self.now } }

    func advance(_ duration: Duration) { time.withLock { $0 = $0.adding(duration) } }
    func set(_ moment: Timestamp) { time.withLock { $0 = moment } }
}
