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
        /// Of at most so many bytes.
        case remote(HTTPClientResponse.Body, limit: Int)
    }

    let status: HTTPResponse.Status
    let headers: HTTPFields
    /// As declared by the upstream; `nil` for a stream.
    let length: Int?
    let body: Body

    private var isEventStream: Bool {
        headers[.contentType]?.lowercased().hasPrefix("text/event-stream") ?? false
    }

    /// The answer to the caller, byte for byte, each chunk written as it comes.
    /// - Parameter place: is given back when the answer is over.
    func response(
        holding place: Upstreams.Place, for callers: Callers, on channel: any Channel, until end: NIODeadline
    ) -> Response {
        if case .whole(let bytes) = body {
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: bytes))
        }
        // An event stream may have to end with an event of ours, so no length is promised for it.
        let length = isEventStream ? nil : length
        let responseBody = ResponseBody(contentLength: length) { [body, isEventStream] writer in
            switch body {
            case .whole: break
            case .chunks(let chunks): for chunk in chunks { try await writer.write(chunk) }
            case .remote(let remote, let limit):
                do {
                    try await callers.whilePresent(
                        on: channel,
                        inThisTask: {
                            try await Self.pass(remote, limit: limit, until: end, to: &writer)
                        })
                } catch let denial as Denial where isEventStream {
                    // The status has gone out long ago; this is how OpenAI tells an error inside a stream. The blank line
                    // before it ends an event that the upstream left unfinished.
                    let event = JSON.object(["error": OpenAIDialect.error(denial.problem)])
                    try await writer.write(ByteBuffer(string: "\n\ndata: \(event.text)\n\n"))
                }
            }
            try await writer.finish(nil)
            withExtendedLifetime(place) {}
        }
        return Response(status: status, headers: headers, body: responseBody)
    }

    /// Throws a denial when the upstream fails; the connection to the caller then ends without the end of the body, so
    /// that nobody takes a part for the whole.
    private static func pass(
        _ remote: HTTPClientResponse.Body, limit: Int, until end: NIODeadline, to writer: inout any ResponseBodyWriter
    ) async throws {
        var chunks = remote.makeAsyncIterator()
        var bytes = 0
        while let chunk = try await next(&chunks) {
            bytes += chunk.readableBytes
            if bytes > limit { throw Denial.upstreamFailed }
            // Looked at when something came: what stays silent is ended by the idle time.
            if NIODeadline.now() > end { throw Denial.upstreamTimeout }
            try await writer.write(chunk)
        }
    }

    /// Reads a short answer to its end.
    static func whole(_ remote: HTTPClientResponse.Body) async throws -> ByteBuffer {
        var chunks = remote.makeAsyncIterator()
        var whole = ByteBuffer()
        while var chunk = try await next(&chunks) {
            if whole.readableBytes == 0 { whole = chunk } else { whole.writeBuffer(&chunk) }
        }
        return whole
    }

    /// `nil` at the end; whatever goes wrong is a denial.
    private static func next(_ chunks: inout HTTPClientResponse.Body.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await chunks.next()
        } catch let error as HTTPClientError where error == .readTimeout || error == .deadlineExceeded {
            throw Denial.upstreamTimeout
        } catch let error where !(error is CancellationError) {
            throw Denial.upstreamFailed
        }
    }
}
