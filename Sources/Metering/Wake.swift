/// Where the callbacks of charges are run: all those of one commit in one go, so that an event loop is woken once for
/// however many calls of it a commit has made durable.
package final class Wake: Sendable {
    let run: @Sendable (@escaping @Sendable () -> Void) -> Void

    /// - Parameter run: has the work done soon, elsewhere. It is called on the writer's queue and must not block.
    package init(_ run: @escaping @Sendable (_ work: @escaping @Sendable () -> Void) -> Void) { self.run = run }

    /// For callbacks that only resume a task.
    static let here = Wake { work in work() }
}
