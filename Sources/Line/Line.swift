import HTTP
package import NIOCore
package import Values
import Wire

/// The connections of callers: one port, one line for both planes.
///
/// This room owns what lies between a socket and whoever serves a message: how bytes become messages and answers become
/// bytes, one message at a time; how long a connection may live and how slow it may be; how much of what it sends is kept;
/// and which part of connections and of bytes one address, account or key may have. So there is one parser, one set of
/// bounds, and one place where connections live and die. It must not know a route, a key or a dialect: each message is
/// offered to the ``DataPlane``, and what that does not serve is given to the ``Responder``.
///
/// What it decides, it decides as a value, ``LineState``, which is tested without sockets. This handler only does what that
/// says, and passes on between channel and ``LineExchange``. All of it happens on the connection's event loop.
package final class Line {
    package let channel: any Channel
    package var eventLoop: any EventLoop { channel.eventLoop }
    /// The address of the connected peer; `nil` when it has none (a unix socket).
    package let peer: IPAddress?
    /// The address of who sent the message under way: the peer's, or what a trusted proxy says; `nil` when it can't be
    /// known.
    package internal(set) var client: IPAddress?

    let lines: Lines
    let loop: LoopLines
    let peerIsTrusted: Bool
    var context: ChannelHandlerContext?
    var state: LineState
    var exchange: (any LineExchange)?
    var holdsConnection = false
    /// Whose connection it is beside its address's: the account and the key of the last call on it.
    var callers: [ShareOwner] = []
    var share = ReceivingShare()
    var isPumping = false
    /// Whether it stands in line for its ``takeTurn()``.
    var waitsForTurn = false
    var isUnflushed = false
    /// Between the reads of one turn of the loop: what is written meanwhile is flushed at its end.
    var isReading = false

    init(on channel: any Channel, of lines: Lines) {
        self.channel = channel
        self.lines = lines
        loop = lines.loop(channel.eventLoop)
        peer = channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
        peerIsTrusted = peer.map(lines.proxies.isTrusted) ?? false
        state = LineState(bounds: lines.bounds)
    }

    /// Up to so many bytes a body is copied behind its head.
    private static let copied = 2048

    // MARK: For the exchange

    /// Whether what is written is taken at once; otherwise more of it should wait for ``LineExchange/becameWritable()``.
    package var isWritable: Bool { channel.isWritable }

    /// Asks for the body of a caller that waits for this word before it sends one. Otherwise it does nothing.
    package func sendContinue() {
        guard state.takeContinue() else { return }
        write(raw: ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"), nil)
        pump()
    }

    /// Begins the answer.
    /// - Parameters:
    ///   - body: its first part.
    ///   - isWhole: whether that is all of it; then ``end()`` must not follow.
    ///   - promise: is kept when all of this was taken by the kernel.
    package func answer(
        _ head: AnswerHead, _ body: ByteBuffer?, isWhole: Bool, promise: EventLoopPromise<Void>? = nil
    ) {
        let length = isWhole ? (head.length ?? body?.readableBytes ?? 0) : head.length
        guard let framing = state.begin(answer: head.status, length: length) else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        var bytes = write(head: head, framing)
        let body = body.flatMap { $0.readableBytes > 0 && framing.flow != .bodyless ? $0 : nil }
        // One buffer costs less than two as long as there is little to copy.
        if let body, body.readableBytes <= Self.copied, case .length = framing.flow,
            state.write(body.readableBytes) != nil
        {
            bytes.writeImmutableBuffer(body)
            write(raw: bytes, promise)
        } else if let body {
            write(raw: bytes, nil)
            write(body, promise: promise)
        } else {
            write(raw: bytes, promise)
        }
        if isWhole { end() } else { pump() }
    }

    /// Writes a part of the body.
    package func write(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>? = nil) {
        guard bytes.readableBytes > 0 else {
            promise?.succeed()
            return
        }
        switch state.write(bytes.readableBytes) {
        case .length, .untilClose: write(raw: bytes, promise)
        case .chunked:
            var size = ByteBuffer(string: String(bytes.readableBytes, radix: 16) + "\r\n")
            if bytes.readableBytes <= Self.copied {
                size.writeImmutableBuffer(bytes)
                size.writeStaticString("\r\n")
                write(raw: size, promise)
            } else {
                write(raw: size, nil)
                write(raw: bytes, nil)
                write(raw: ByteBuffer(staticString: "\r\n"), promise)
            }
        case .bodyless: promise?.succeed()
        case nil:
            promise?.fail(ChannelError.outputClosed)
            abort()
        }
        pump()
    }

    /// The answer is whole. The exchange is over.
    package func end() {
        guard let flow = state.end() else {
            abort()
            return
        }
        if flow == .chunked { write(raw: ByteBuffer(staticString: "0\r\n\r\n"), nil) }
        exchange = nil
        share.giveBack(to: lines.receiving)
        pump()
    }

    /// Ends the connection without an end of the answer: a part must not look like the whole. The exchange is over.
    package func abort() {
        exchange = nil
        // An answer that ends with its connection would look whole, unless the connection breaks.
        if state.flowsUntilClose { channel.breakOnClose() }
        close()
    }

    /// Does the rest of long work when the sockets of this event loop have been looked at once more. A task of the loop
    /// would be done before that, and hold up all others.
    package func inNextRound(_ work: @escaping () -> Void) { loop.turns.wait(work) }

    /// For now, nothing of the body is taken.
    package func pauseBody() { state.pause() }

    package func resumeBody() {
        state.resume()
        pump()
    }

    /// The connection counts for these as well as for its address: for the account and the key of the call under way, until
    /// one with another key comes. That of a trusted proxy brings many callers, and counts for none.
    /// - Returns: false when one of them has all that it may have; then the message is to be refused as overloaded, and the
    ///   connection ends with that answer.
    package func connect(for owners: [ShareOwner]) -> Bool {
        if peerIsTrusted || owners == callers { return true }
        guard lines.connections.join(1, owners) else {
            state.quiesce()
            return false
        }
        lines.connections.leave(1, callers)
        callers = owners
        return true
    }

    /// The bytes of the message under way count for these as well as for the client's address: for the account and the key,
    /// once they are known.
    /// - Returns: false when one of them has all that it may have; then the message is to be refused as overloaded.
    package func receive(for owners: [ShareOwner]) -> Bool { share.add(owners, of: lines.receiving) }
}
