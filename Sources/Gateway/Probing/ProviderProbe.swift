package import Catalog
package import NIOCore
import Secrets
import Wire

/// Asks a provider for its models (`GET {base}/models`), on the connections and within the bounds of calls: so what it finds
/// is what a call would find. The question costs nothing at any provider that is known.
package struct ProviderProbe: ProviderTester {
    /// The longest that a test takes.
    static let patience = TimeAmount.seconds(10)
    /// The longest answer that is read, in bytes.
    static let longestAnswer = 64 * 1024

    private let upstreams: UpstreamPools
    private let loops: any EventLoopGroup

    /// - Parameter loops: those of the pools.
    package init(upstreams: UpstreamPools, loops: any EventLoopGroup) {
        self.upstreams = upstreams
        self.loops = loops
    }

    package func test(_ upstream: ModelRoute.Upstream) async throws -> ProviderTest {
        guard case .openai(let base, let secret) = upstream else { return .builtIn }
        let loop = loops.any()
        let asked = loop.makePromise(of: ProbeAnswer.self)
        loop.execute { [upstreams] in
            do {
                let listener = ProbeListener(asked, on: loop, longest: Self.longestAnswer)
                let request = UpstreamRequest(
                    method: .get, head: try ProviderHead.models(of: base, secret: secret), body: [],
                    end: loop.now + Self.patience)
                listener.exchange = upstreams[loop].send(request, to: base.origin, for: listener)
            } catch {
                asked.fail(error)
            }
        }
        // The answer is read here, in a task, so that no event loop is held up by it.
        return try await asked.futureResult.get().test(without: secret)
    }
}

/// What came before the end, the failure or the bound.
struct ProbeAnswer: Sendable {
    var status: Int?
    var body = ByteBuffer()
    /// Why it ended before it was whole.
    var fault: ProviderTest.Fault?
    var time = TimeAmount.zero

    /// - Parameter secret: what is in no name that is told.
    func test(without secret: Secret?) -> ProviderTest {
        let fault = fault ?? status.flatMap { Self.fault(of: $0) }
        let models = fault == nil ? ModelList.read(body, without: secret) : nil
        return ProviderTest(
            status: status, milliseconds: Int(time.inMilliseconds), models: models,
            fault: fault ?? (models == nil ? .notOpenAI : nil))
    }

    /// What a status says of the way there; `nil` for one whose body counts.
    static func fault(of status: Int) -> ProviderTest.Fault? {
        switch status {
        case 200...299: nil
        case 300...399: .redirected
        case 401, 403: .credentialRefused
        case 404, 405, 501: .noModelList
        case 429: .rateLimited
        case 500...: .serverError
        default: .unexpectedStatus
        }
    }
}

/// Hears the answer to a probe, up to a bound, on its event loop.
private final class ProbeListener: UpstreamListener {
    /// Until the end: the exchange holds its listener as long.
    var exchange: UpstreamExchange?
    private let asked: EventLoopPromise<ProbeAnswer>
    private let loop: any EventLoop
    private let longest: Int
    private let begun: NIODeadline
    private var answer = ProbeAnswer()

    init(_ asked: EventLoopPromise<ProbeAnswer>, on loop: any EventLoop, longest: Int) {
        self.asked = asked
        self.loop = loop
        self.longest = longest
        begun = loop.now
    }

    func upstream(head: ResponseHead, length: Int?) {
        answer.status = head.status
        // Of an answer that is no list the status says all.
        let isTooLong = length.map { $0 > longest } ?? false
        if isTooLong || ProbeAnswer.fault(of: head.status) != nil {
            end(isTooLong ? .answerTooLarge : nil, cutting: true)
        }
    }

    func upstream(body: ByteBuffer) {
        guard answer.body.readableBytes + body.readableBytes <= longest else {
            return end(.answerTooLarge, cutting: true)
        }
        answer.body.writeImmutableBuffer(body)
    }

    func upstreamEnded() { end(nil) }

    func upstreamFailed(_ failure: UpstreamFailure) { end(failure.fault) }

    /// - Parameter isCut: whether the rest of the answer is not waited for.
    private func end(_ fault: ProviderTest.Fault?, cutting isCut: Bool = false) {
        answer.fault = fault
        answer.time = loop.now - begun
        asked.succeed(answer)
        if isCut { exchange?.cancel() }
        exchange = nil
    }
}
