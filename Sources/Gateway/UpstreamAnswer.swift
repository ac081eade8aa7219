import AsyncHTTPClient
import HTTPTypes
import Hummingbird
import NIOCore
import Policy
import Web

/// What an upstream said: a short answer in whole, a stream or a long one not read yet.
struct UpstreamAnswer: Sendable {
    enum Body: Sendable {
        case whole(ByteBuffer)
        /// Made in this process; each is written by itself.
        case chunks([ByteBuffer])
        case remote(HTTPClientResponse.Body, BodyBounds)
    }

    let status: HTTPResponse.Status
    let headers: HTTPFields
    /// As declared by the upstream; `nil` for a stream.
    let length: Int?
    let body: Body
    var slot: Upstreams.CallSlot?

    /// The answer to the caller, byte for byte, each chunk written as it comes.
    var response: Response {
        if case .whole(let bytes) = body {
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: bytes))
        }
        let isEventStream = headers[.contentType]?.lowercased().hasPrefix("text/event-stream") ?? false
        let responseBody = ResponseBody(contentLength: length) { [body, slot] writer in
            switch body {
            case .whole: break
            case .chunks(let chunks): for chunk in chunks { try await writer.write(chunk) }
            case .remote(let remote, let bounds):
                do {
                    try await Self.pass(remote, within: bounds, to: &writer)
                } catch let denial as Denial where isEventStream {
                    // The status has gone out long ago; this is how OpenAI tells an error inside a stream.
                    let error = JSON.object(["error": OpenAIDialect.error(denial.problem)])
                    try await writer.write(ByteBuffer(string: "data: \(error.text)\n\n"))
                }
            }
            try await writer.finish(nil)
            withExtendedLifetime(slot) {}
        }
        return Response(status: status, headers: headers, body: responseBody)
    }

    /// Throws a denial when the upstream fails; the connection to the caller then ends without the end of the body, so
    /// that nobody takes a part for the whole.
    private static func pass(
        _ remote: HTTPClientResponse.Body, within bounds: BodyBounds, to writer: inout any ResponseBodyWriter
    ) async throws {
        var reader = BodyReader(remote, within: bounds)
        while let chunk = try await reader.next() { try await writer.write(chunk) }
    }

    /// Reads a short answer to its end.
    static func whole(
        _ remote: HTTPClientResponse.Body, within bounds: BodyBounds
    ) async throws -> ByteBuffer {
        var reader = BodyReader(remote, within: bounds)
        var whole = ByteBuffer()
        while var chunk = try await reader.next() {
            if whole.readableBytes == 0 { whole = chunk } else { whole.writeBuffer(&chunk) }
        }
        return whole
    }
}

/// Reads an upstream's body chunk by chunk, within bounds; whatever goes wrong is a denial.
private struct BodyReader {
    private var chunks: HTTPClientResponse.Body.AsyncIterator
    private let bounds: BodyBounds
    private var bytes = 0

    init(_ body: HTTPClientResponse.Body, within bounds: BodyBounds) {
        chunks = body.makeAsyncIterator()
        self.bounds = bounds
    }

    /// `nil` at the end.
    mutating func next() async throws -> ByteBuffer? {
        let chunk: ByteBuffer?
        do {
            chunk = try await chunks.next()
        } catch let error as HTTPClientError where error == .readTimeout || error == .deadlineExceeded {
            throw Denial.upstreamTimeout
        } catch let error where !(error is CancellationError) {
            throw Denial.upstreamFailed
        }
        bytes += chunk?.readableBytes ?? 0
        if bytes > bounds.bytes { throw Denial.upstreamFailed }
        if NIODeadline.now() > bounds.end { throw Denial.upstreamTimeout }
        return chunk
    }
}

/// How much, and until when, an upstream may go on.
struct BodyBounds: Sendable {
    let bytes: Int
    let end: NIODeadline
}
