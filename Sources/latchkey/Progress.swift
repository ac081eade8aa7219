import Glibc
import Metering
import Synchronization

/// How far a long command is: one line on the terminal, which goes away when the command has something to say. Where
/// standard error is no terminal, such as in a pipe or under a supervisor, it shows nothing.
final class Progress: Sendable {
    private struct State {
        var isShown = false
        var last: ContinuousClock.Instant?
    }

    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let state = Mutex(State())
    /// Faster than that, nobody reads it.
    private static let pause = Duration.milliseconds(100)

    /// Shows how far it is in place of what was shown before. Cheap when called often.
    /// - Parameter isNew: for the beginning of a step, which may take long before it says more.
    func show(_ text: @autoclosure () -> String, isNew: Bool = false) {
        guard isTerminal else { return }
        state.withLock { state in
            let now = ContinuousClock.now
            if !isNew, let last = state.last, now - last < Self.pause { return }
            state.last = now
            state.isShown = true
            Self.write("\r\(text())\u{1B}[K")
        }
    }

    /// How much of a database is copied, from 0 to 1.
    func showCopied(_ share: Double) { show("copying: \(Int(share * 100)) %") }

    /// A step of the check of a ledger.
    @Sendable func showLedgerStep(_ number: Int) {
        show("checking the ledger: step \(number) of \(LedgerCheck.steps)", isNew: true)
    }

    /// How far the check of an audit record is.
    @Sendable func showAuditEntries(_ done: Int64, of all: Int64) {
        show("checking the audit record: \(done) of \(all) entries", isNew: done == 0)
    }

    /// Takes the line away. To be called before anything else is written.
    func clear() {
        state.withLock { state in
            if state.isShown { Self.write("\r\u{1B}[K") }
            state = State()
        }
    }

    private static func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
