import Catalog
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Values

/// Finds out why an upstream's certificate was not accepted.
///
/// TLS says no more than that it was not. So a second connection goes to the same place, only to look at the certificates
/// that are shown; it ends there, before anything is sent. Not more often than once a minute for each place, and calls
/// that fail meanwhile share what was found.
actor CertificateProbe {
    private let group: any EventLoopGroup
    private let clock: Clock
    private let patience: TimeAmount
    private var found: [Origin: (failure: Task<UpstreamFailure, Never>, until: NIODeadline)] = [:]

    init(group: any EventLoopGroup, clock: Clock, patience: TimeAmount) {
        self.group = group
        self.clock = clock
        self.patience = patience
    }

    func failure(at origin: Origin) async -> UpstreamFailure {
        if let known = found[origin], known.until > .now() { return await known.failure.value }
        // Admins alone name places, but they may name a new one every day.
        if found.count >= 256 { found.removeAll() }
        let failure = Task { [group, clock, patience] in
            guard let chain = try? await Self.shown(at: origin, group, patience) else {
                return UpstreamFailure.failed(
                    "its certificate is not accepted, and a second look failed", .certificateUntrusted)
            }
            return Self.failure(chain, at: clock.now())
        }
        found[origin] = (failure, .now() + .seconds(60))
        return await failure.value
    }

    /// A certificate as far as it matters here.
    struct Validity: Sendable {
        let begin: Timestamp
        let end: Timestamp
    }

    /// - Parameter chain: the upstream's own certificate first.
    static func failure(_ chain: [Validity], at now: Timestamp) -> UpstreamFailure {
        for (place, certificate) in chain.enumerated() {
            let which = place == 0 ? "its certificate" : "a certificate in its chain"
            if certificate.end < now {
                return .failed("\(which) has expired, on \(certificate.end.rfc3339.prefix(10))", .certificateExpired)
            }
            if certificate.begin > now {
                return .failed(
                    "\(which) is not valid before \(certificate.begin.rfc3339.prefix(10)); is the clock right?",
                    .certificateExpired)
            }
        }
        return .failed(
            "its certificate is from an unknown issuer; the setting gateway.ca_file can add one", .certificateUntrusted)
    }

    private static func shown(
        at origin: Origin, _ group: any EventLoopGroup, _ patience: TimeAmount
    ) async throws -> [Validity] {
        let loop = group.any()
        let seen = loop.makePromise(of: [Validity].self)
        let late = loop.scheduleTask(in: patience) { seen.fail(ChannelError.connectTimeout(patience)) }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates([])
        let isAddress = IPAddress(origin.host) != nil
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(patience)
            .channelInitializer { [configuration] channel in
                channel.eventLoop.makeCompletedFuture {
                    // An address goes into no server name (RFC 6066 §3).
                    let handler = try NIOSSLClientHandler(
                        context: NIOSSLContext(configuration: configuration),
                        serverHostname: isAddress ? nil : origin.host,
                        customVerificationCallback: { chain, verdict in
                            seen.succeed(
                                chain.map {
                                    Validity(begin: .init(time: $0.notValidBefore), end: .init(time: $0.notValidAfter))
                                })
                            verdict.succeed(.failed)
                        })
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let connected = bootstrap.connect(host: origin.host, port: origin.port)
        connected.whenSuccess { channel in
            channel.closeFuture.whenComplete { _ in seen.fail(ChannelError.eof) }
            seen.futureResult.whenComplete { _ in channel.close(promise: nil) }
        }
        connected.whenFailure { seen.fail($0) }
        seen.futureResult.whenComplete { _ in late.cancel() }
        return try await seen.futureResult.get()
    }
}

extension Timestamp {
    fileprivate init(time: time_t) {
        let (microseconds, isFar) = Int64(time).multipliedReportingOverflow(by: 1_000_000)
        self.init(microseconds: isFar ? (time < 0 ? .min : .max) : microseconds)
    }
}
