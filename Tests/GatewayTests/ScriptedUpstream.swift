import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// What an upstream of the tests does next on a connection.
enum Act: Sendable {
    /// Waits until a request has come, whole: its head, and a body of the length that it says.
    case read
    case send([UInt8])
    case wait(TimeAmount)
    /// Sends so many bytes, as fast as they are taken.
    case flood(Int)
    /// Says that no more will come, and goes on reading.
    case closeOutput
    case close
    /// Ends the connection so that the other side gets an error.
    case reset

    static func send(_ text: String) -> Act { .send(Array(text.utf8)) }
}

/// A server on a port of 127.0.0.1 that follows a script on each connection, and does nothing at its end.
final class ScriptedUpstream: Sendable {
    let port: Int
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup
    let connections: Counter

    /// What happened on all connections; touched on the server's own loop alone.
    final class Counter: @unchecked Sendable {
        // Unchecked: the group has one thread, and the tests read by submitting to it.
        fileprivate(set) var opened = 0
        fileprivate(set) var open = 0
        fileprivate(set) var requests = 0
        fileprivate(set) var flooded = 0
    }

    /// - Parameters:
    ///   - tls: a certificate in PEM form; the key is the one of ``TestCertificates``.
    ///   - script: of a connection; they count from 0. A script may depend on the request: it is asked for the rest after
    ///     each ``Act/read``.
    init(
        tls: String? = nil, _ script: @escaping @Sendable (_ connection: Int) -> [Act],
        answer: (@Sendable (_ request: String) -> [Act])? = nil
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let counter = Counter()
        let context = try tls.map { pem in
            try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)).map { .certificate($0) },
                    privateKey: .privateKey(NIOSSLPrivateKey(bytes: Array(TestCertificates.key.utf8), format: .pem))))
        }
        channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    let actor = ScriptActor(script(counter.opened), answer, counter)
                    counter.opened += 1
                    counter.open += 1
                    channel.closeFuture.assumeIsolated().whenComplete { _ in counter.open -= 1 }
                    try channel.pipeline.syncOperations.addHandler(actor)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
        self.group = group
        connections = counter
    }

    /// What was counted, read on the server's loop.
    func counted<Value: Sendable>(_ read: @escaping @Sendable (Counter) -> Value) async throws -> Value {
        try await channel.eventLoop.submit { [connections] in read(connections) }.get()
    }

    func stop() async throws {
        try await channel.close()
        try await group.shutdownGracefully()
    }
}

/// Follows one script.
private final class ScriptActor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var script: ArraySlice<Act>
    private let answer: (@Sendable (String) -> [Act])?
    private let counter: ScriptedUpstream.Counter
    private var received = ByteBuffer()
    /// The head of a request that has begun to come, and its size with the body.
    private var awaited: (String, Int)?
    private var isWaiting = false
    private var left = 0
    private var context: ChannelHandlerContext?

    init(_ script: [Act], _ answer: (@Sendable (String) -> [Act])?, _ counter: ScriptedUpstream.Counter) {
        self.script = script[...]
        self.answer = answer
        self.counter = counter
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        go()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        go()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { go() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// The head of the next whole request, which is taken out.
    private func request() -> String? {
        let bytes = received.readableBytesView
        if awaited == nil {
            guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
            let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            let length = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
                .flatMap { Int($0.dropFirst(15).filter { $0 != " " }) }
            awaited = (head, end.upperBound - bytes.startIndex + (length ?? 0))
        }
        guard let (head, size) = awaited, received.readableBytes >= size else { return nil }
        received.moveReaderIndex(forwardBy: size)
        received.discardReadBytes()
        awaited = nil
        return head
    }

    private func go() {
        while !isWaiting, let context, let act = script.first {
            switch act {
            case .read:
                guard let request = request() else { return }
                counter.requests += 1
                script = script.dropFirst()
                if let answer { script = (answer(request) + script)[...] }
            case .send(let bytes):
                script = script.dropFirst()
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            case .wait(let time):
                script = script.dropFirst()
                isWaiting = true
                let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: time) {
                    bound.value.isWaiting = false
                    bound.value.go()
                }
            case .flood(let count):
                if left == 0 { left = count }
                while left > 0, context.channel.isActive, context.channel.isWritable {
                    let piece = min(left, 16_384)
                    left -= piece
                    counter.flooded += piece
                    context.writeAndFlush(wrapOutboundOut(ByteBuffer(repeating: 0x78, count: piece)), promise: nil)
                }
                if left > 0 { return }
                script = script.dropFirst()
            case .closeOutput:
                script = script.dropFirst()
                context.close(mode: .output, promise: nil)
            case .close:
                script = []
                // What was sent goes out first.
                let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
                context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
                    bound.value.close(promise: nil)
                }
            case .reset:
                script = []
                _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                // Below TLS, which would say goodbye.
                context.channel._channelCore.close0(error: ChannelError.eof, mode: .all, promise: nil)
            }
        }
    }
}
