package import NIOCore
package import Wire

/// What one connection may cost, in bytes and in time.
package struct LineBounds: Sendable {
    /// Of a head; see ``HeadBounds``.
    package var head = HeadBounds()
    /// How many bytes behind the message under way are kept for when it has been answered.
    package var pipelined = 64 * 1024
    /// How many bytes of a body are kept that nobody takes at the moment. A caller that closes its half makes the kernel
    /// give out all that it has, asked for or not.
    package var held = 1024 * 1024
    /// How much of a body that nobody wants is read and dropped, so that the caller gets to see the answer.
    package var drained = 16 * 1024 * 1024
    /// The longest a connection may be open without a whole request head: idle between requests, or slow.
    package var headTime: TimeAmount = .seconds(75)
    /// The longest without a byte of a body that is still to come.
    package var silence: TimeAmount = .seconds(60)
    /// The least rate of a body after ``grace``, in bytes a second.
    package var rate = 1024
    /// How long a body may be slower than ``rate``. Time in which nobody takes its bytes doesn't count.
    package var grace: TimeAmount = .seconds(60)
    /// The longest a caller may take nothing while there is something to take.
    package var stall: TimeAmount = .seconds(60)
    /// The longest that a connection is kept after its last answer, for a caller that still sends and would lose the
    /// answer if it ended at once (RFC 9112 §9.6); and the longest silence in it.
    package var linger: TimeAmount = .seconds(30)
    package var lingerSilence: TimeAmount = .seconds(5)

    package init() {}
}
