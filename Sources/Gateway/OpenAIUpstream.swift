import AsyncHTTPClient
import Catalog
import HTTP
import HTTPTypes
import NIOCore
import NIOHTTP1
import Policy
import Secrets
import Values

/// Any upstream that speaks OpenAI's chat completions over HTTP.
struct OpenAIUpstream: Sendable {
    let client: HTTPClient
    let limits: Upstreams.Limits
    let probe: CertificateProbe
    private let dialect = OpenAIChat()

    init(client: HTTPClient, limits: Upstreams.Limits, probe: CertificateProbe) {
        self.client = client
        self.limits = limits
        self.probe = probe
    }

    /// An upstream that gave no answer that a caller could have: what the caller is told, and what the operator is.
    struct Failure: Error {
        let problem: Problem
        /// A status, a kind of error or words of our own, never text of the upstream.
        let how: String
        var weight = Refusal.Weight.warning
    }

    func complete(
        _ call: UpstreamCall, _ headers: HTTPFields, _ base: BaseURL, _ secret: Secret?, until end: NIODeadline,
        onFault: @escaping @Sendable (AnswerFault) -> Void
    ) async throws -> UpstreamAnswer {
        var request = HTTPClientRequest(url: base.text + "/chat/completions")
        request.method = .POST
        for field in headers { request.headers.add(name: field.name.rawName, value: field.value) }
        request.headers.replaceOrAdd(name: "content-type", value: "application/json")
        if let secret { request.headers.replaceOrAdd(name: "authorization", value: "Bearer " + secret.exposed()) }
        var sent = ByteBuffer()
        for part in call.body { sent.writeImmutableBuffer(part) }
        request.body = .bytes(sent)
        let response = try await execute(request, at: base, until: end)
        let body = RemoteBody(response.body, limit: limits.responseBytes)
        do {
            guard (200..<300).contains(response.status.code) else {
                throw try await refusal(response, body, call)
            }
            return try await answer(response, body, call, onFault)
        } catch let denial as Denial {
            throw Failure(problem: denial.problem, how: "no end of the body")
        }
    }

    /// Waits for the head of the answer.
    private func execute(
        _ request: HTTPClientRequest, at base: BaseURL, until end: NIODeadline
    ) async throws -> HTTPClientResponse {
        do {
            // The head has to come within the idle time; from there on the client's own read timeout counts.
            return try await client.execute(request, deadline: min(end, .now() + limits.idle))
        } catch let error as HTTPClientError {
            let isLate = [.readTimeout, .deadlineExceeded, .connectTimeout].contains(error)
            let denial = isLate ? Denial.upstreamTimeout : .upstreamFailed
            throw Failure(problem: denial.problem, how: error.shortDescription)
        } catch let error where !(error is CancellationError) {
            throw Failure(problem: Denial.upstreamFailed.problem, how: await how(error, at: Origin(base)))
        }
    }

    private func how(_ error: any Error, at origin: Origin) async -> String {
        switch ConnectionFailure(error, at: origin) {
        case .said(let words): words
        case .unverified: await probe.reason(at: origin)
        case .late: "no connection in time"
        case nil: "\(type(of: error))"
        }
    }

    // MARK: What came

    private func refusal(
        _ response: HTTPClientResponse, _ body: RemoteBody, _ call: UpstreamCall
    ) async throws -> Failure {
        // What doesn't come, or not in time, changes nothing in that it is a refusal.
        do { try await body.read(beyond: ProviderAnswer.bound) } catch is Denial {}
        let refusal = dialect.refusal(
            ProviderAnswer(
                status: Int(response.status.code),
                body: body.beginning.getSlice(
                    at: body.beginning.readerIndex, length: min(body.beginning.readableBytes, ProviderAnswer.bound))
                    ?? ByteBuffer(),
                retryAfter: response.headers.first(name: "retry-after"), model: call.renaming,
                isField: call.request.hasMember))
        return Failure(problem: refusal.problem, how: refusal.how, weight: refusal.weight)
    }

    private func answer(
        _ response: HTTPClientResponse, _ body: RemoteBody, _ call: UpstreamCall,
        _ onFault: @escaping @Sendable (AnswerFault) -> Void
    ) async throws -> UpstreamAnswer {
        // Of a compressed body that was undone on its way, the length says nothing.
        let isPlain = response.headers.first(name: "content-encoding") == nil
        let length = isPlain ? response.headers.first(name: "content-length").flatMap { Int($0) } : nil
        if let length, length > limits.responseBytes { throw failure("an answer of \(length) bytes") }
        let label = response.headers.first(name: "content-type")
        var form: AnswerForm?
        while form == nil {
            form = AnswerForm(
                label: label, isStreamAsked: call.request.isStream, beginning: body.beginning, hasEnded: body.hasEnded)
            if form != nil { break }
            // Blanks before an answer are no answer.
            guard body.beginning.readableBytes <= UpstreamCall.shortAnswer else {
                throw failure(.undecided(bytes: body.beginning.readableBytes))
            }
            try await body.read(beyond: body.beginning.readableBytes)
        }
        let status = HTTPResponse.Status(code: Int(response.status.code))
        if form == .stream {
            let stream = RemoteStream(body, dialect.stream(renaming: call.renaming), onFault: onFault)
            if let fault = try await stream.begin() { throw failure(fault) }
            return UpstreamAnswer(
                status: status, headers: [.contentType: AnswerForm.stream.contentType, .cacheControl: "no-cache"],
                length: nil, body: .stream(stream))
        }
        return try await whole(status, body, call, length: length)
    }

    /// Up to ``UpstreamCall/wholeLimit`` an answer is taken in whole before any of it goes out: one write instead of three,
    /// and an upstream that breaks off in the middle becomes a clear 502 instead of a cut connection. Of a longer one so
    /// much is taken that its content can be seen.
    private func whole(
        _ status: HTTPResponse.Status, _ body: RemoteBody, _ call: UpstreamCall, length: Int?
    ) async throws -> UpstreamAnswer {
        var most = call.wholeLimit
        var finding = Finding.nothing
        while finding == .nothing {
            try await body.read(beyond: most)
            finding = dialect.look(at: body.beginning, isWhole: body.hasEnded)
            if finding == .nothing, most >= Self.mostHeldBack { throw failure(.undecided(bytes: most)) }
            most *= 2
        }
        if case .error(let fault) = finding { throw failure(fault) }
        var length = length
        if let renamed = dialect.renamed(body.beginning, call.renaming) {
            length = length.map { $0 + renamed.readableBytes - body.beginning.readableBytes }
            body.begin(with: renamed)
        }
        let isWhole = body.hasEnded
        return UpstreamAnswer(
            status: status, headers: [.contentType: AnswerForm.whole.contentType],
            length: isWhole ? body.beginning.readableBytes : length,
            body: isWhole ? .whole(body.beginning) : .remote(body))
    }

    /// The most that is taken of a long answer to see its content.
    private static let mostHeldBack = 1 << 20

    private func failure(_ how: String) -> Failure { Failure(problem: Denial.upstreamFailed.problem, how: how) }

    private func failure(_ fault: AnswerFault) -> Failure {
        Failure(
            problem: Denial.upstreamFailed.problem, how: fault.how,
            weight: fault == .told(.accountEmpty) || fault == .told(.secretRefused) ? .alarm : .warning)
    }
}
