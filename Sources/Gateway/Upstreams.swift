package import AsyncHTTPClient
import Catalog
import HTTPTypes
import Logging
package import NIOCore
import Policy
package import Values

/// Where calls go once they are admitted, and the bounds on all of it.
package final class Upstreams: Sendable {
    package struct Limits: Sendable {
        /// The longest time without a byte from the upstream.
        package var idle: TimeAmount = .seconds(600)
        /// The longest time for a whole answer.
        package var total: TimeAmount = .seconds(1800)
        /// The largest answer, in bytes.
        package var responseBytes = 64 << 20

        package init() {}
    }

    private let openAI: OpenAIUpstream
    private let limits: Limits

    /// - Parameter client: must not follow redirects: a redirect is an address that no admin configured.
    package init(client: HTTPClient, limits: Limits, clock: Clock) {
        let probe = CertificateProbe(
            group: client.eventLoopGroup, clock: clock, patience: min(limits.idle, .seconds(5)))
        openAI = OpenAIUpstream(client: client, limits: limits, probe: probe)
        self.limits = limits
    }

    /// When a call that begins now must be over.
    func deadline() -> NIODeadline { .now() + limits.total }

    func complete(
        _ call: UpstreamCall, _ headers: HTTPFields, _ route: ModelRoute, until end: NIODeadline, _ logger: Logger
    ) async throws -> UpstreamAnswer {
        switch route.upstream {
        case .echo: return EchoUpstream().complete(call)
        case .openai(let url, let secret):
            do {
                return try await openAI.complete(call, headers, url, secret, until: end) { fault in
                    logger.warning(
                        "a stream of an upstream's broke off",
                        metadata: ["model": "\(route.name)", "how": "\(fault.how)"])
                }
            } catch let failure as OpenAIUpstream.Failure {
                // The caller hears what is of use to a caller; the operator has to know how. Neither hears more of the
                // upstream's own words than its dialect lets through.
                log(failure, route, logger)
                throw failure.problem
            }
        }
    }

    private func log(_ failure: OpenAIUpstream.Failure, _ route: ModelRoute, _ logger: Logger) {
        let metadata: Logger.Metadata = ["model": "\(route.name)", "how": "\(failure.how)"]
        switch failure.weight {
        case .none: logger.info("an upstream did not accept a caller's request", metadata: metadata)
        case .warning: logger.warning("an upstream failed", metadata: metadata)
        case .alarm:
            logger.error("an upstream refuses all calls until the operator does something", metadata: metadata)
        }
    }
}
