package import NIOCore
package import Wire

/// The routes that programs call with their key.
package protocol DataPlane: Sendable {
    /// Called on the connection's event loop with each message; must not wait.
    /// - Returns: who serves it from here on; `nil` when this is no route of the data plane.
    func exchange(for head: RequestHead, on line: Line) -> (any LineExchange)?
}

/// Whoever serves all other routes.
package protocol Responder: Sendable {
    /// Called on the connection's event loop; must not wait.
    func exchange(for head: RequestHead, on line: Line) -> any LineExchange
}

/// One message and its answer, from its head on. All calls come on the event loop of the connection, in this order:
/// pieces of the body, its end, and after the answer's end no more. ``callerLeft()`` can come at any time and is the last.
package protocol LineExchange: AnyObject {
    /// A piece of the body; never empty. Not called after the answer has ended: what comes then is dropped.
    func received(_ bytes: ByteBuffer)
    /// The message is whole.
    func receivedAll()
    /// The caller has closed its half, after a whole message.
    ///
    /// TCP can't tell a caller that has nothing more to say from one that is gone.
    /// - Returns: whether it counts as gone: then ``callerLeft()`` follows, and the connection ends.
    func callerClosedItsHalf() -> Bool
    /// Nobody is there any more to answer to, or the line itself has answered (a body that broke off or came too slowly).
    /// The line must not be used from here on.
    func callerLeft()
    /// The caller takes bytes again, after ``Line/isWritable`` was false.
    func becameWritable()
    /// Every 250 ms.
    func tick(_ now: NIODeadline)
}

extension LineExchange {
    package func callerClosedItsHalf() -> Bool { true }
    package func becameWritable() {}
    package func tick(_ now: NIODeadline) {}
}
