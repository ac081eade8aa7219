package import NIOCore
import Synchronization

/// Who is still there: lets work that is done for one connection end when its caller leaves.
///
/// The server framework doesn't cancel a handler whose client is gone, and an upstream that takes minutes would go on for
/// nobody. The guard of each connection tells this table when the caller has left; a call that waits has left its
/// cancellation here.
package final class Callers: Sendable {
    private let waiting = Mutex<[ObjectIdentifier: @Sendable () -> Void]>([:])

    package init() {}

    /// Runs `work` and cancels it when the caller leaves. One at a time for each connection, as HTTP/1.1 serves them.
    package func whilePresent<T: Sendable>(
        on channel: any Channel, _ work: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        let connection = ObjectIdentifier(channel)
        let task = Task(operation: work)
        waiting.withLock { $0[connection] = { task.cancel() } }
        defer { waiting.withLock { $0[connection] = nil } }
        // Gone before it was written down: then nobody would say so again.
        if !channel.isActive { task.cancel() }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    func left(_ channel: any Channel) { waiting.withLock { $0[ObjectIdentifier(channel)] }?() }
}
