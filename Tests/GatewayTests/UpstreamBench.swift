import Catalog
import Glibc
import NIOCore
import NIOEmbedded
import Policy
import Testing
import Wire

@testable import Gateway

/// A pool on a clock that stands still, with connections that the test holds the other end of.
final class UpstreamBench {
    let loop = EmbeddedEventLoop()
    let dialer: HandDialer
    let pool: UpstreamPool
    let origin: Origin

    init(_ adjust: (inout UpstreamBounds) -> Void = { _ in }) {
        var bounds = UpstreamBounds()
        bounds.connect = .seconds(1)
        bounds.head = .seconds(10)
        bounds.idle = .seconds(3)
        bounds.keep = .seconds(30)
        adjust(&bounds)
        dialer = HandDialer()
        pool = UpstreamPool(on: loop, bounds: bounds, dialer: dialer)
        guard let url = BaseURL("http://upstream.example") else { preconditionFailure("it is a base URL") }
        origin = url.origin
    }

    func send(_ body: String = "{}", total: TimeAmount = .seconds(60)) -> (UpstreamExchange, HeardAnswer) {
        let heard = HeardAnswer()
        let request = UpstreamRequest(
            head: ByteBuffer(string: "POST / HTTP/1.1\r\n\r\n"), body: [ByteBuffer(string: body)], end: loop.now + total
        )
        let exchange = pool.send(request, to: origin, for: heard)
        heard.exchange = exchange
        return (exchange, heard)
    }

    /// Sends, and gives the connection that is made for it.
    func sendOnNew() throws -> (UpstreamExchange, HeardAnswer, EmbeddedChannel) {
        let sent = send()
        return (sent.0, sent.1, try dialer.connect())
    }

    var idle: Int { pool.connections(to: origin).idle }
    var connections: Int { pool.connections(to: origin).all }
}

/// Connections come when the test makes them.
final class HandDialer: Dialer, @unchecked Sendable {
    // Unchecked: one thread has all of it, the test's.
    var asked: [EventLoopPromise<any Channel>] = []
    let reads = Reads()

    func dial(_ origin: Origin, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        let promise = eventLoop.makePromise(of: (any Channel).self)
        asked.append(promise)
        return promise.futureResult
    }

    func connect() throws -> EmbeddedChannel {
        let promise = try #require(asked.isEmpty ? nil : asked.removeFirst())
        let loop = try #require(promise.futureResult.eventLoop as? EmbeddedEventLoop)
        let channel = EmbeddedChannel(handler: Reads(), loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        promise.succeed(channel)
        return channel
    }
}

/// Counts how often more bytes are asked for, and breaks the connection when it is told to.
final class Reads: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    var count = 0
    /// The next write finds the connection broken, as a socket does: all is told before the write returns.
    var breaks = false

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }

    func flush(context: ChannelHandlerContext) {
        guard breaks else { return context.flush() }
        context.fireErrorCaught(IOError(errnoCode: EPIPE, reason: "write"))
        context.fireChannelInactive()
    }
}

/// What an exchange has told.
final class HeardAnswer: UpstreamListener {
    var exchange: UpstreamExchange?
    var status: Int?
    var length: Int?
    private(set) var bytes: [UInt8] = []
    var body: String { String(decoding: bytes, as: UTF8.self) }
    var isEnded = false
    var failure: UpstreamFailure?
    /// Called for each piece of the body.
    var onBody: () -> Void = {}
    var onEnd: () -> Void = {}

    func upstream(head: ResponseHead, length: Int?) {
        #expect(status == nil)
        status = head.status
        self.length = length
    }

    func upstream(body: ByteBuffer) {
        #expect(status != nil && !isEnded && failure == nil)
        #expect(body.readableBytes > 0)
        bytes += body.readableBytesView
        onBody()
    }

    func upstreamEnded() {
        #expect(!isEnded && failure == nil)
        isEnded = true
        onEnd()
    }

    func upstreamFailed(_ failure: UpstreamFailure) {
        #expect(!isEnded && self.failure == nil)
        self.failure = failure
    }
}

extension EmbeddedChannel {
    func answer(_ text: String) throws { try writeInbound(ByteBuffer(string: text)) }

    func sent() throws -> String {
        var text = ""
        while let bytes = try readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }

    /// Breaks the connection at the next write.
    func breakOnWrite() throws { try pipeline.syncOperations.handler(type: Reads.self).breaks = true }

    func reads() throws -> Int { try pipeline.syncOperations.handler(type: Reads.self).count }
}
