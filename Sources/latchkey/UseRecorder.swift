import Credentials
import Logging
import NIOCore
import ServiceLifecycle

/// Writes down every few seconds when keys were last used, for as long as the server runs. What comes after its end is
/// written when the deployment closes.
struct UseRecorder: Service {
    let credentials: Credentials
    /// Whose clock the pauses are taken by.
    let eventLoop: any EventLoop
    let logger: Logger

    private static let pause = TimeAmount.seconds(5)

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await pause()
                do {
                    try await credentials.recordUses()
                } catch is CancellationError {
                    return
                } catch {
                    // A time that is not written is no reason to stop serving; the next use of the key brings another
                    // one.
                    logger.warning("last uses were not written down", metadata: ["error": "\(type(of: error))"])
                }
            }
        }
    }

    private func pause() async throws {
        let end = eventLoop.scheduleTask(in: Self.pause) {}
        try await withTaskCancellationHandler {
            try await end.futureResult.get()
        } onCancel: {
            end.cancel()
        }
    }
}
