import Catalog
import Glibc
import NIOCore
import Wire

/// One connection to an upstream: writes one request at a time and reads its answer.
///
/// Nothing is read ahead of what the exchange takes: the channel reads only when asked to, and it is asked again only when
/// all that came was given on. While it is idle one read is outstanding, so that an end, or bytes that nobody asked for, are
/// seen when they come, and the connection is not used again.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the lane counts it as.
    enum Standing {
        case idle
        case inUse
        /// Not at all: it was never given to the lane, or has left it.
        case none
    }

    /// How many decompressed pieces go on at once. A few bytes can become thousands of pieces, and the event loop has others
    /// to serve.
    private static let burst = 16

    var standing = Standing.none
    private let channel: any Channel
    private let lane: OriginLane
    private let bounds: UpstreamBounds
    /// `nil` where the channel has no socket, as in tests.
    private let socket: CInt?
    private var context: ChannelHandlerContext?
    /// A new one for each request.
    private var reader = ResponseReader(to: .get)
    /// What has come and was not given on.
    private var unread = ByteBuffer()
    /// What was read ahead of its turn: what came behind a part of a body.
    private var ahead: ResponseEvent?
    private var exchange: UpstreamExchange?
    /// The head of the answer under way.
    private var head: ResponseHead?
    private var isPumping = false
    /// No more bytes will come.
    private var isEnded = false
    /// It is given up: whatever comes is of no interest.
    private var isClosed = false
    private var error: (any Error)?
    private var idleSince = NIODeadline.uptimeNanoseconds(0)

    /// - Parameter channel: connected, reading only when asked to. This becomes its last handler.
    init(_ channel: any Channel, _ lane: OriginLane, _ bounds: UpstreamBounds) throws {
        self.channel = channel
        self.lane = lane
        self.bounds = bounds
        socket = try channel.pipeline.syncOperations
            .withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
        try channel.pipeline.syncOperations.addHandler(self)
    }

    // MARK: Requests

    /// Whether a request may be written on it, after it was idle.
    func isUsable(_ now: NIODeadline) -> Bool {
        guard channel.isActive, !isClosed, unread.readableBytes == 0 else { return false }
        // What came a moment ago was seen with the answer, or the loop is about to see it. Later the socket is asked, for the
        // price of a system call: most servers close what is idle for some seconds.
        guard let socket, now - idleSince > .milliseconds(1) else { return true }
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, CInt(MSG_PEEK | MSG_DONTWAIT)) < 0
            && (errno == EAGAIN || errno == EWOULDBLOCK)
    }

    func serve(_ exchange: UpstreamExchange) {
        guard let request = exchange.begin(on: self) else { return }
        self.exchange = exchange
        guard let context, channel.isActive else { return exchange.fail(broken()) }
        reader = ResponseReader(to: request.method, bounds.heads)
        ahead = nil
        for part in request.parts.dropLast() { context.write(wrapOutboundOut(part), promise: nil) }
        if let last = request.parts.last { context.writeAndFlush(wrapOutboundOut(last), promise: nil) }
    }

    /// The exchange does not want the rest.
    func abandon() {
        exchange = nil
        close()
    }

    /// The exchange wants more again.
    func resume() { pump() }

    /// Gives the connection up, idle or in use.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        unread = ByteBuffer()
        lane.lost(self)
        channel.close(promise: nil)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        context.read()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosed else { return }
        var bytes = unwrapInboundIn(data)
        if unread.readableBytes == 0 {
            unread = bytes
        } else {
            unread.writeBuffer(&bytes)
        }
        exchange?.heard()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pump()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.error = self.error ?? error
        channel.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isEnded = true
        pump()
    }

    // MARK: Answers

    /// Gives on what has come, as far as the exchange takes it.
    private func pump() {
        guard !isPumping, !isClosed else { return }
        isPumping = true
        defer { isPumping = false }
        guard exchange != nil else {
            // An end, or bytes that belong to no request.
            if isEnded || unread.readableBytes > 0 { close() } else { context?.read() }
            return
        }
        var pieces = 0
        while let exchange {
            if exchange.isPaused { return }
            if exchange.takeExpanded() {
                pieces += 1
                if pieces < Self.burst { continue }
                return pumpLater()
            }
            do throws(FramingError) {
                var event = try nextEvent()
                if event == nil, isEnded { event = try endOfInput() }
                guard let event else {
                    context?.read()
                    return
                }
                take(event, for: exchange)
            } catch {
                exchange.fail(failure(error))
            }
        }
    }

    /// After a time, not as a task at once: the loop looks at no socket as long as there are tasks.
    private func pumpLater() {
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        channel.eventLoop.scheduleTask(in: .milliseconds(1)) { bound.value.pump() }
    }

    /// The parts of a body that came together are one: an upstream may send each event of a stream as a chunk of its own, and
    /// what is looked at and written together costs a part of it.
    private func nextEvent() throws(FramingError) -> ResponseEvent? {
        if let event = ahead.take() { return event }
        let event = try reader.next(from: &unread)
        guard case .body(var bytes)? = event else { return event }
        // A fault behind them is thrown again the next time.
        while let next = try? reader.next(from: &unread) {
            guard case .body(let more) = next else {
                ahead = next
                break
            }
            bytes.writeImmutableBuffer(more)
        }
        return .body(bytes)
    }

    private func take(_ event: ResponseEvent, for exchange: UpstreamExchange) {
        switch event {
        case .head(let head):
            self.head = head
            exchange.take(head)
        case .body(let bytes): exchange.take(bytes)
        case .end: finish(exchange)
        }
    }

    /// An answer without a length ends with the connection, but only where that was closed on purpose: over TLS anybody on the
    /// way can end it without the peer's word (RFC 8446 §6.1).
    private func endOfInput() throws(FramingError) -> ResponseEvent? {
        if error != nil, let exchange {
            exchange.fail(broken())
            return nil
        }
        return try reader.endOfInput()
    }

    private func finish(_ exchange: UpstreamExchange) {
        if let failure = exchange.failureAtEnd { return exchange.fail(failure) }
        let keepsAlive = head.map { $0.keepsAlive && $0.framing != .untilClose } ?? false
        let keep = min(bounds.keep, head?.fields.keepAlive ?? bounds.keep)
        self.exchange = nil
        head = nil
        // What follows an answer was asked for by nobody. A request that is not written to its end may never be.
        if keepsAlive, isWritten, !isEnded, channel.isActive, unread.readableBytes == 0, keep > .zero {
            context?.read()
            // An empty buffer may still be a view of a large one.
            unread = ByteBuffer()
            idleSince = channel.eventLoop.now
            lane.give(self, until: idleSince + keep)
        } else {
            close()
        }
        exchange.finish()
    }

    /// Whether the kernel has taken all of the request.
    private var isWritten: Bool { (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 == 0 }

    private func failure(_ error: FramingError) -> UpstreamFailure {
        error.reason == .cutShort
            ? broken() : .failed("an answer that is not HTTP/1.1: \(error.reason.rawValue)", .notHTTP)
    }

    private func broken() -> UpstreamFailure {
        let place = head == nil ? "before its answer" : "in the middle of its answer"
        switch error {
        case let error as IOError:
            return .failed("the connection broke \(place): \(String(cString: strerror(error.errnoCode)))")
        case nil: return .failed("it closed the connection \(place)")
        default: return .failed("the connection broke \(place)")
        }
    }
}
