import AsyncHTTPClient
import Catalog
import HTTPTypes
import JSON
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

    /// What an upstream says of the caller's own request, and the caller may hear. Everything else that is no success is
    /// between the operator and the provider: a 401 there is no wrong key here, and its text may show part of the
    /// provider's secret.
    private static let passedRefusals: Set<Int> = [400, 404, 409, 413, 415, 422, 429]

    /// An upstream that gave no answer that a caller could have: what the caller is told, and what the operator is.
    struct Failure: Error {
        let denial: Denial
        /// A status, a kind of error or words of our own, never text of the upstream.
        let how: String
    }

    func complete(
        _ call: UpstreamCall, _ headers: HTTPFields, _ base: BaseURL, _ secret: Secret?, until end: NIODeadline
    ) async throws -> UpstreamAnswer {
        var request = HTTPClientRequest(url: base.text + "/chat/completions")
        request.method = .POST
        for field in headers { request.headers.add(name: field.name.rawName, value: field.value) }
        request.headers.replaceOrAdd(name: "content-type", value: "application/json")
        if let secret { request.headers.replaceOrAdd(name: "authorization", value: "Bearer " + secret.exposed()) }
        var body = ByteBuffer()
        for part in call.body { body.writeImmutableBuffer(part) }
        request.body = .bytes(body)
        return try await answer(try await execute(request, at: base, until: end), keeping: call.wholeLimit)
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
            throw Failure(denial: isLate ? .upstreamTimeout : .upstreamFailed, how: error.shortDescription)
        } catch let error where !(error is CancellationError) {
            throw Failure(denial: .upstreamFailed, how: await how(error, at: Origin(base)))
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

    /// - Parameter wholeLimit: up to so many bytes an answer is taken in whole before any of it goes out: one write
    ///   instead of three, and an upstream that breaks off in the middle becomes a clear 502 instead of a cut connection.
    private func answer(_ response: HTTPClientResponse, keeping wholeLimit: Int) async throws -> UpstreamAnswer {
        let code = Int(response.status.code)
        let isSuccess = (200..<300).contains(code)
        guard isSuccess || Self.passedRefusals.contains(code) else { throw failure("status \(code)") }
        var fields = HTTPFields()
        for (name, value) in response.headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        let length = fields[.contentLength].flatMap { Int($0) }
        if let length, length > limits.responseBytes { throw failure("an answer of \(length) bytes") }
        var answer = UpstreamAnswer(
            status: HTTPResponse.Status(code: code), headers: ForwardedHeaders.toCaller(fields), length: length,
            body: .whole(ByteBuffer()))
        let body = RemoteBody(response.body, limit: limits.responseBytes)
        do {
            if isSuccess, answer.isEventStream {
                switch try await body.firstContent() {
                case .content: answer.body = .remote(body)
                case .error: throw failure("an error instead of content")
                case .nothing: throw failure("a stream without content")
                }
            } else if let length, length > wholeLimit {
                guard try await body.hasBegun() else { throw failure("no body") }
                answer.body = .remote(body)
            } else {
                answer.body = try await body.whole(upTo: wholeLimit).map { .whole($0) } ?? .remote(body)
            }
        } catch let denial as Denial {
            throw Failure(denial: denial, how: "no end of the body")
        }
        if isSuccess, answer.isNoAnswer { throw failure("an error with status \(code)") }
        return answer
    }

    private func failure(_ how: String) -> Failure { Failure(denial: .upstreamFailed, how: how) }
}

extension UpstreamAnswer {
    /// Whether an answer of declared success is empty or an error. Only what begins with the error is looked into: an
    /// answer has its members in another order, and reading each through would cost more than all else here.
    fileprivate var isNoAnswer: Bool {
        guard case .whole(let bytes) = body else { return false }
        let blanks: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
        let text = bytes.readableBytesView.lazy.filter { !blanks.contains($0) }.prefix(8)
        if text.isEmpty { return true }
        guard text.elementsEqual(#"{"error""#.utf8), let object = (try? JSON.parse(bytes.readableBytesView))?.object
        else { return false }
        return object["error"] != .null
    }
}
