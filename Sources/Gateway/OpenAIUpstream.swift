import AsyncHTTPClient
import Catalog
import HTTPTypes
import NIOCore
import NIOHTTP1
import Policy
import Secrets
import Web

/// Any upstream that speaks OpenAI's chat completions over HTTP.
struct OpenAIUpstream: Sendable {
    let client: HTTPClient
    let limits: Upstreams.Limits

    /// What an upstream says of the caller's own request, and the caller may hear. Everything else that is no success is
    /// between the operator and the provider: a 401 there is no wrong key here, and its text may show part of the
    /// provider's secret.
    private static let passedRefusals: Set<Int> = [400, 404, 409, 413, 415, 422, 429]

    /// An upstream that gave no answer that a caller could have: what the caller is told, and what the operator is.
    struct Failure: Error {
        let denial: Denial
        /// A status or a kind of error, never text of the upstream.
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
        request.body = .bytes(ByteBuffer(bytes: JSON.object(call.body).encoded()))
        return try await answer(try await execute(request, until: end), until: end)
    }

    /// A short answer to its end, which may come too late or not at all.
    private func whole(_ body: HTTPClientResponse.Body) async throws -> ByteBuffer {
        do {
            return try await UpstreamAnswer.whole(body)
        } catch let denial as Denial {
            throw Failure(denial: denial, how: "no end of the body")
        }
    }

    /// Up to here an answer of declared length is taken in whole before any of it goes out: one write instead of three, and
    /// an upstream that breaks off in the middle becomes a clear 502 instead of a cut connection.
    private static let shortAnswer = 64 * 1024

    /// Waits for the head of the answer.
    private func execute(_ request: HTTPClientRequest, until end: NIODeadline) async throws -> HTTPClientResponse {
        do {
            // The head has to come within the idle time; from there on the client's own read timeout counts.
            return try await client.execute(request, deadline: min(end, .now() + limits.idle))
        } catch let error as HTTPClientError {
            let isLate = [.readTimeout, .deadlineExceeded, .connectTimeout].contains(error)
            throw Failure(denial: isLate ? .upstreamTimeout : .upstreamFailed, how: error.shortDescription)
        } catch let error where !(error is CancellationError) {
            throw Failure(denial: .upstreamFailed, how: "\(type(of: error))")
        }
    }

    private func answer(_ response: HTTPClientResponse, until end: NIODeadline) async throws -> UpstreamAnswer {
        let code = Int(response.status.code)
        guard (200..<300).contains(code) || Self.passedRefusals.contains(code) else {
            throw Failure(denial: .upstreamFailed, how: "status \(code)")
        }
        var fields = HTTPFields()
        for (name, value) in response.headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        let length = fields[.contentLength].flatMap { Int($0) }
        if let length, length > limits.responseBytes {
            throw Failure(denial: .upstreamFailed, how: "an answer of \(length) bytes")
        }
        let body: UpstreamAnswer.Body =
            if let length, length <= Self.shortAnswer {
                .whole(try await whole(response.body))
            } else {
                .remote(response.body, limit: limits.responseBytes)
            }
        return UpstreamAnswer(
            status: HTTPResponse.Status(code: code), headers: ForwardedHeaders.toCaller(fields), length: length,
            body: body)
    }
}
