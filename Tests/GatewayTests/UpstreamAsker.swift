import Catalog
import NIOCore
import NIOPosix
import NIOSSL
import Policy
import Testing
import Values
import Wire

@testable import Gateway

/// What became of a request.
struct Outcome: Sendable {
    var status: Int?
    var body = ByteBuffer()
    /// `nil`: the answer came whole.
    var failure: UpstreamFailure?
    /// How often an end or a failure was told; anything but once is wrong.
    var ends = 0
    var isCancelled = false

    var text: String { String(buffer: body) }
}

/// A pool on a thread of its own, and requests to it from tasks.
final class UpstreamAsker: Sendable {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let pools: UpstreamPools

    init(_ adjust: (inout UpstreamBounds) -> Void = { _ in }) async throws {
        var bounds = UpstreamBounds()
        bounds.tick = .milliseconds(20)
        adjust(&bounds)
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(TestCertificates.authority.utf8)))
        tls.shutdownTimeout = .seconds(1)
        let dialer = SocketDialer(
            security: try NIOSSLContext(configuration: tls), patience: bounds.connect, group: group, clock: .system)
        pools = try await UpstreamPools(on: group, bounds: bounds, dialer: dialer)
    }

    var loop: any EventLoop { group.next() }

    /// - Parameters:
    ///   - prepare: is given the exchange and what it tells, on the loop, right after it was sent.
    ///   - before: is called on the loop, right before the request is sent.
    func ask(
        _ url: String, body: [UInt8] = [], fields: String = "", total: TimeAmount = .seconds(20),
        prepare: @escaping @Sendable (UpstreamExchange, Listener) -> Void = { _, _ in },
        before: @escaping @Sendable () -> Void = {}
    ) async throws -> Outcome {
        let origin = try #require(BaseURL(url)).origin
        let loop = loop
        return try await loop.flatSubmit { [pools] in
            let promise = loop.makePromise(of: Outcome.self)
            let listener = Listener(promise)
            let head = "POST /x HTTP/1.1\r\nHost: \(origin.authority)\r\n\(fields)Content-Length: \(body.count)\r\n\r\n"
            let request = UpstreamRequest(
                head: ByteBuffer(string: head), body: [ByteBuffer(bytes: body)], end: .now() + total)
            before()
            let exchange = pools[loop].send(request, to: origin, for: listener)
            prepare(exchange, listener)
            return promise.futureResult
        }.get()
    }

    /// Reads something of the pool on its loop.
    func look<Value: Sendable>(_ read: @escaping @Sendable (UpstreamPool) -> Value) async throws -> Value {
        let loop = loop
        return try await loop.submit { [pools] in read(pools[loop]) }.get()
    }

    func stop() async throws {
        try await pools.close()
        try await group.shutdownGracefully()
    }

    final class Listener: UpstreamListener {
        private let promise: EventLoopPromise<Outcome>
        private(set) var outcome = Outcome()
        /// Bodies are counted instead of kept.
        var isCounting = false
        var isCancelled: Bool {
            get { outcome.isCancelled }
            set { outcome.isCancelled = newValue }
        }
        private(set) var count = 0
        var onBody: () -> Void = {}

        init(_ promise: EventLoopPromise<Outcome>) { self.promise = promise }

        func upstream(head: ResponseHead, length: Int?) { outcome.status = head.status }

        func upstream(body: ByteBuffer) {
            count += body.readableBytes
            if !isCounting { outcome.body.writeImmutableBuffer(body) }
            onBody()
        }

        func upstreamEnded() { end() }

        func upstreamFailed(_ failure: UpstreamFailure) {
            outcome.failure = failure
            end()
        }

        /// A cancelled exchange says nothing; its test does.
        func end() {
            outcome.ends += 1
            promise.succeed(outcome)
        }
    }
}
