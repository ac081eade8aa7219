import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

/// What signals do to a server.
///
/// TERM and INT end it in order: calls under way get time to end, see ``Server/run(signals:onReady:)``. HUP, USR1, USR2
/// and PIPE never end it. Elsewhere the first three mean "read the settings again" or "open the log again"; here
/// settings are read once and the log goes to standard error, so there is nothing to do but to say so.
struct Signals: Service {
    let logger: Logger

    private static let ignored: [UnixSignal] = [.sighup, .sigusr1, .sigusr2]
    static let ending: [UnixSignal] = [.sigterm, .sigint]

    /// For the time until the server runs; call it first. Not what the system does by itself: HUP would end the process,
    /// and a process with the id 1, as in a container, would not even hear TERM.
    static func prepare() {
        for ignored in ignored { signal(ignored.rawValue, SIG_IGN) }
        // A reader that has left (`latchkey serve | head`) is no reason to end; the write fails, and that is all.
        signal(SIGPIPE, SIG_IGN)
        // Nothing was promised to anybody yet, and what is on disk is as whole as after a power cut.
        for ending in ending { signal(ending.rawValue) { _ in _exit(0) } }
    }

    func run() async throws {
        for await signal in await UnixSignalsSequence(trapping: Self.ignored).cancelOnGracefulShutdown() {
            logger.notice(
                "\(signal) is ignored: settings are read at the start alone, and the log goes to standard error")
        }
    }
}
