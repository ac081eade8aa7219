import Gateway
import Logging
import NIOCore
import NIOSSL
import Values

extension Server {
    /// The data plane.
    func gateway(_ upstreams: UpstreamPools) -> Gateway {
        var bounds = Gateway.Bounds()
        bounds.requestBytes = settings.integer(.gatewayMaxRequestBytes)
        bounds.total = .milliseconds(Int64(settings.integer(.gatewayTotalTimeoutMs)))
        return Gateway(
            calls: deployment.calls, credentials: deployment.credentials, metering: deployment.metering,
            upstreams: upstreams, places: CallPlaces(places), bounds: bounds, passes: deployment.pagePasses,
            clock: deployment.clock, loops: loops, logger: logger)
    }

    /// Our connections to providers.
    func upstreams() async throws -> UpstreamPools {
        var bounds = UpstreamBounds()
        bounds.connect = .milliseconds(Int64(settings.integer(.gatewayConnectTimeoutMs)))
        bounds.head = .milliseconds(Int64(settings.integer(.gatewayIdleTimeoutMs)))
        bounds.idle = bounds.head
        bounds.answerBytes = settings.integer(.gatewayMaxResponseBytes)
        bounds.connections = settings.integer(.gatewayUpstreamConnections)
        let dialer = SocketDialer(
            security: try authorities().context(), patience: bounds.connect, group: loops, clock: deployment.clock)
        return try await UpstreamPools(on: loops, bounds: bounds, dialer: dialer)
    }

    private func authorities() throws(Settings.Failure) -> TrustedAuthorities {
        do {
            let authorities = try TrustedAuthorities(
                replacement: settings.systemAuthorities, addition: settings.text(.gatewayCAFile),
                name: "\(Setting.gatewayCAFile.rawValue), \(Setting.gatewayCAFile.environmentName)")
            if authorities.isEmpty {
                logger.notice(
                    """
                    this machine has no certificates of authorities, so no provider can be called over https: install \
                    ca-certificates, or set \(Setting.gatewayCAFile.rawValue)
                    """)
            }
            return authorities
        } catch {
            throw Settings.Failure(sentence: error.sentence)
        }
    }
}
