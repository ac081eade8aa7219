package import Catalog
package import NIOCore
import NIOPosix
package import NIOSSL
package import Values

/// Connects to upstreams by TCP, and by TLS upon it.
package struct SocketDialer: Dialer {
    /// The receive buffer of the kernel, in bytes. What an upstream has sent is at most here while its caller does not read;
    /// when it then closes, all of it has to be taken in at once.
    private static let receiveBuffer: ChannelOptions.Types.SocketOption.Value = 256 * 1024

    private let security: NIOSSLContext
    private let lookup = HostLookup()
    private let probe: CertificateProbe
    private let patience: TimeAmount

    /// - Parameters:
    ///   - security: who is trusted; see ``TrustedAuthorities/context()``.
    ///   - patience: the longest from the look-up of the name to the end of the handshake.
    package init(security: NIOSSLContext, patience: TimeAmount, group: any EventLoopGroup, clock: Clock) {
        self.security = security
        self.patience = patience
        probe = CertificateProbe(group: group, clock: clock, patience: min(patience, ExchangeDeadlines.explaining))
    }

    package func dial(_ origin: Origin, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        let end = eventLoop.now + patience
        return ClientBootstrap(group: eventLoop)
            .connectTimeout(patience)
            .channelOption(.autoRead, value: false)
            // One read, then what came is given on: reading ahead would only fill memory.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.socketOption(.so_rcvbuf), value: Self.receiveBuffer)
            .resolver(lookup.resolver(on: eventLoop))
            .connect(host: origin.host, port: origin.port)
            .flatMap { channel in secure(channel, to: origin, until: end) }
            .flatMapError { error in
                explain(error, origin, on: eventLoop).flatMapThrowing { failure in throw failure }
            }
    }

    private func secure(
        _ channel: any Channel, to origin: Origin, until end: NIODeadline
    ) -> EventLoopFuture<any Channel> {
        let eventLoop = channel.eventLoop
        guard origin.isSecure else { return eventLoop.makeSucceededFuture(channel) }
        let established = eventLoop.makePromise(of: Void.self)
        do {
            // An address goes into no server name (RFC 6066 §3); the certificate has to name the address then.
            let name = IPAddress(origin.host) == nil ? origin.host : nil
            let tls = try NIOSSLClientHandler(context: security, serverHostname: name)
            let wait = HandshakeWait(established, until: end)
            try channel.pipeline.syncOperations.addHandlers(wait)
            try channel.pipeline.syncOperations.addHandler(tls, position: .before(wait))
            channel.read()
        } catch {
            established.fail(error)
        }
        return established.futureResult.map { channel }.flatMapErrorThrowing { error in
            channel.close(promise: nil)
            throw error
        }
    }

    private func explain(
        _ error: any Error, _ origin: Origin, on eventLoop: any EventLoop
    ) -> EventLoopFuture<UpstreamFailure> {
        switch ConnectionFailure(error, at: origin) {
        case .said(let words, let fault): return eventLoop.makeSucceededFuture(.failed(words, fault))
        case .unverified:
            return eventLoop.makeFutureWithTask { [probe] in await probe.failure(at: origin) }
        case .late: return eventLoop.makeSucceededFuture(.late("no connection within \(patience.inMilliseconds) ms"))
        case nil: return eventLoop.makeSucceededFuture(.failed("no connection: \(type(of: error))", .unreachable))
        }
    }
}
