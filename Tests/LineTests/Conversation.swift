import HTTP
import NIOCore
import NIOEmbedded
import Values
import Wire

@testable import Line

/// A line on a channel without sockets, and what was said on both sides of it.
final class Conversation {
    /// Whoever serves a message in these tests: remembers what it was told, and does what the test says.
    final class Served: LineExchange {
        let head: RequestHead
        let line: Line
        var heard: [String] = []
        var isLeftByHalfClose = false

        init(_ head: RequestHead, _ line: Line) {
            self.head = head
            self.line = line
        }

        func received(_ bytes: ByteBuffer) { heard.append("body \(bytes.readableBytes)") }
        func receivedAll() { heard.append("whole") }
        func callerClosedItsHalf() -> Bool { isLeftByHalfClose }
        func callerLeft() { heard.append("left") }
        func becameWritable() { heard.append("writable") }

        /// A whole answer at once.
        func answer(_ body: String, status: Int = 200) {
            line.answer(AnswerHead(status: status, length: nil), ByteBuffer(string: body), isWhole: true)
        }
    }

    /// Unchecked: an embedded channel and all of its handlers live on the thread of the test.
    final class Host: Responder, DataPlane, @unchecked Sendable {
        var served: [Served] = []
        var dataPlanePath: String?

        func exchange(for head: RequestHead, on line: Line) -> any LineExchange {
            served.append(Served(head, line))
            return served[served.count - 1]
        }

        func exchange(for head: RequestHead, on line: Line) -> (any LineExchange)? {
            guard let dataPlanePath, head.path.elementsEqual(dataPlanePath.utf8) else { return nil }
            let exchange: any LineExchange = exchange(for: head, on: line)
            return exchange
        }
    }

    let channel: EmbeddedChannel
    let host = Host()
    let lines: Lines

    /// - Parameters:
    ///   - peer: the address of the caller.
    ///   - beside: a conversation whose shares this one has part in.
    init(
        from peer: String = "198.51.100.1", trusting proxies: [String] = [], connections: Int = 100,
        receiving: Int = 1 << 20, percent: Int = 100, beside: Conversation? = nil
    ) throws {
        lines =
            beside?.lines
            ?? Lines(
                dataPlane: nil, responder: host,
                proxies: TrustedProxies(proxies.compactMap { AddressBlock($0) }),
                connections: Shares(limit: connections, percent: percent),
                receiving: Shares(limit: receiving, percent: percent))
        channel = EmbeddedChannel()
        channel.remoteAddress = try SocketAddress(ipAddress: peer, port: 1)
        try channel.pipeline.syncOperations.addHandler(Line(on: channel, of: lines))
        try channel.connect(to: SocketAddress(ipAddress: peer, port: 1)).wait()
    }

    func say(_ text: String) throws {
        try channel.writeInbound(ByteBuffer(string: text))
        channel.embeddedEventLoop.run()
    }

    /// All that the line has written since this was last asked.
    func hear() throws -> String {
        // This loop has no sockets: turns are tasks here.
        channel.embeddedEventLoop.run()
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }

    /// Turns the clock of the event loop.
    func pass(_ seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }

    var isOpen: Bool { channel.isActive }

    /// An event of the channel's.
    func happen(_ event: any Sendable) { channel.pipeline.fireUserInboundEventTriggered(event) }

    func leave() { channel.pipeline.fireChannelInactive() }
}
