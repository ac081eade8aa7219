package import AsyncHTTPClient
import Catalog
import HTTPTypes
package import NIOCore
import Policy
import Synchronization

/// Where calls go once they are admitted, and the bounds on all of it.
package final class Upstreams: Sendable {
    package struct Limits: Sendable {
        /// Calls under way at once; one more is refused as overloaded rather than queued.
        package var calls = 1024
        /// The longest time without a byte from the upstream.
        package var idle: TimeAmount = .seconds(60)
        /// The longest time for a whole answer.
        package var total: TimeAmount = .seconds(600)
        /// The largest answer, in bytes.
        package var responseBytes = 64 << 20

        package init() {}
    }

    private let openAI: OpenAIUpstream
    private let limits: Limits
    private let underWay = Atomic<Int>(0)

    /// - Parameter client: must not follow redirects: a redirect is an address that no admin configured.
    package init(client: HTTPClient, limits: Limits) {
        openAI = OpenAIUpstream(client: client, limits: limits)
        self.limits = limits
    }

    func complete(_ call: UpstreamCall, _ headers: HTTPFields, _ route: ModelRoute) async throws -> UpstreamAnswer {
        guard let slot = CallSlot(self) else { throw Denial.overloaded }
        var answer: UpstreamAnswer
        switch route.upstream {
        case .echo: answer = EchoUpstream().complete(call)
        case .openai(let url, let secret): answer = try await openAI.complete(call, headers, url, secret)
        }
        answer.slot = slot
        return answer
    }

    /// One call's place among those under way. It is given back when the last reference to the answer goes, on whichever
    /// way that happens.
    final class CallSlot: Sendable {
        private let upstreams: Upstreams

        init?(_ upstreams: Upstreams) {
            self.upstreams = upstreams
            if upstreams.underWay.add(1, ordering: .relaxed).newValue > upstreams.limits.calls { return nil }
        }

        deinit { upstreams.underWay.subtract(1, ordering: .relaxed) }
    }
}
