import Synchronization
import Values

/// The clock of a demo: behind that of the machine at first, and put forward until it is right. So calls can be made days
/// ago, as far as the server is concerned.
final class DemoClock: Sendable {
    private let behind: Mutex<Duration>

    /// - Parameter behind: by how much.
    init(behind: Duration) { self.behind = Mutex(behind) }

    var clock: Clock {
        Clock { [self] in Clock.system.now().adding(.zero - behind.withLock { $0 }) }
    }

    /// Puts it forward, never back.
    /// - Parameter behind: by how much it is behind from now on.
    func set(behind: Duration) { self.behind.withLock { $0 = min($0, behind) } }
}
