package import NIOCore
import Synchronization
import Values

/// Ends the work for a connection when its caller leaves or when its time is over.
///
/// The server framework doesn't cancel a handler whose client is gone, and an upstream that takes minutes would go on for
/// nobody. The line tells this table when the caller has left; a call that waits has left its
/// cancellation here.
package final class Callers: Sendable {
    /// The work was not done by its deadline.
    package struct DeadlinePassed: Error {}

    private let waiting = Mutex<[ObjectIdentifier: @Sendable () -> Void]>([:])

    package init() {}

    /// Runs `work` and cancels it when the caller leaves or the deadline comes. One at a time for each connection, as
    /// HTTP/1.1 serves them.
    /// - Throws: what `work` throws; ``DeadlinePassed`` when that is because of the deadline.
    package func whilePresent<T: Sendable>(
        on channel: any Channel, until deadline: NIODeadline, _ work: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        let connection = ObjectIdentifier(channel)
        let task = Task(operation: work)
        waiting.withLock { $0[connection] = { task.cancel() } }
        let end = channel.eventLoop.scheduleTask(deadline: deadline) { task.cancel() }
        defer {
            end.cancel()
            waiting.withLock { $0[connection] = nil }
        }
        // Gone before it was written down: then nobody would say so again.
        if !channel.isActive { task.cancel() }
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            if NIODeadline.now() >= deadline { throw DeadlinePassed() }
            throw error
        }
    }

    /// The same for work that can't be handed to another task, such as the writing of a body: here it is the current task
    /// that is cancelled when the caller leaves, and with it the connection that nobody listens on any more.
    package func whilePresent(on channel: any Channel, inThisTask work: () async throws -> Void) async throws {
        let connection = ObjectIdentifier(channel)
        try await withUnsafeCurrentTask { task in
            let running = RunningTask(task)
            waiting.withLock { $0[connection] = { running.cancel() } }
            defer {
                waiting.withLock { $0[connection] = nil }
                running.end()
            }
            if !channel.isActive { running.cancel() }
            try await work()
        }
    }

    package func left(_ channel: any Channel) { waiting.withLock { $0[ObjectIdentifier(channel)] }?() }

    /// A task that may be cancelled from elsewhere for as long as it is inside of ``whilePresent(on:inThisTask:)``.
    private final class RunningTask: Sendable {
        private struct State: @unchecked Sendable {
            /// Unchecked, because a reference to a task is only valid while that task runs: it is set to `nil` by the task
            /// itself before it goes on, and used by others only under the same lock.
            var task: UnsafeCurrentTask?
        }

        private let state: Mutex<State>

        init(_ task: UnsafeCurrentTask?) { state = Mutex(State(task: task)) }

        func cancel() { state.withLock { $0.task?.cancel() } }
        func end() { state.withLock { $0.task = nil } }
    }
}
