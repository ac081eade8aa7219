package import NIOCore
package import Wire

/// What calls to upstreams may take: time, bytes, connections. Counts are for one event loop and one origin unless they
/// say otherwise; the deployment's bound on calls under way stands above all of them.
package struct UpstreamBounds: Sendable {
    /// The longest from a call to a connection, with the look-up of the name and the handshake of TLS.
    package var connect: TimeAmount = .seconds(5)
    /// The longest from the request to the head of its answer. As long as OpenAI's own clients wait for one.
    package var head: TimeAmount = .seconds(600)
    /// The longest without a byte after the head.
    package var idle: TimeAmount = .seconds(60)
    /// The largest body of an answer, in bytes, after it was decompressed.
    package var answerBytes = 64 << 20
    /// Of an answer.
    package var heads = HeadBounds()
    /// Connections, idle ones and those that are being made among them.
    package var connections = 1024
    /// Calls that wait for a connection.
    package var waiting = 1024
    /// Connections that are kept while no call uses them.
    package var kept = 256
    /// How long they are kept. Shorter than what servers commonly keep them, so that ours is rarely the one that is gone.
    package var keep: TimeAmount = .seconds(30)
    /// How often the deadlines are looked at; a call may be over so much later than it should.
    package var tick: TimeAmount = .milliseconds(250)

    package init() {}
}
