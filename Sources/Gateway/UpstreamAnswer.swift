import HTTP
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Policy
import Values

/// What an upstream said: a short answer in whole, a stream or a long one in its beginning.
struct UpstreamAnswer: Sendable {
    enum Body: Sendable {
        case whole(ByteBuffer)
        /// Made in this process, event by event as the caller takes them.
        case echo(EchoStream)
        case remote(RemoteBody)
    }

    let status: HTTPResponse.Status
    let headers: HTTPFields
    /// As declared by the upstream; `nil` for a stream.
    let length: Int?
    var body: Body

    /// Whether the call was served. What else comes here is a refusal that the caller may hear.
    var isSuccess: Bool { status.kind == .successful }

    var isEventStream: Bool {
        headers[.contentType].map { Text($0).lowercased.hasPrefix("text/event-stream") } ?? false
    }

    /// The answer to the caller, byte for byte, each chunk written as it comes.
    /// - Parameters:
    ///   - receipt: more headers.
    ///   - charge: the charge of a stream, which may still be on its way to the disk: the beginning goes out meanwhile, the
    ///     rest waits for it, and when it fails the stream is cut.
    ///   - place: is given back when the answer is over.
    func response(
        _ receipt: Receipt, charge: Task<Void, any Error>?, holding place: Upstreams.Place, for callers: Callers,
        on channel: any Channel, until end: NIODeadline
    ) -> Response {
        var headers = headers
        for field in receipt.headers { headers[field.name] = field.value }
        if case .whole(let bytes) = body {
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: bytes))
        }
        // An event stream may have to end with an event of ours, so no length is promised for it.
        let length = isEventStream ? nil : length
        let responseBody = ResponseBody(contentLength: length) { [body, isEventStream] writer in
            switch body {
            case .whole: break
            case .echo(var events):
                try await Self.begin([events.next()].compactMap { $0 }[...], charge, &writer)
                while let event = events.next() { try await writer.write(event) }
            case .remote(let remote):
                do {
                    try await callers.whilePresent(
                        on: channel,
                        inThisTask: {
                            try await Self.begin(remote.beginning[...], charge, &writer)
                            try await Self.pass(remote, until: end, to: &writer)
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

    /// Writes the beginning while the charge commits, unless the end may be in it: for a caller, `[DONE]` is the end.
    private static func begin(
        _ beginning: ArraySlice<ByteBuffer>, _ charge: Task<Void, any Error>?, _ writer: inout any ResponseBodyWriter
    ) async throws {
        let mayEnd = beginning.reduce(into: [UInt8]()) { $0 += $1.readableBytesView }.contains(Array("[DONE]".utf8))
        if mayEnd { try await charge?.value }
        for chunk in beginning { try await writer.write(chunk) }
        if !mayEnd { try await charge?.value }
    }

    /// Throws a denial when the upstream fails; the connection to the caller then ends without the end of the body, so
    /// that nobody takes a part for the whole.
    private static func pass(
        _ remote: RemoteBody, until end: NIODeadline, to writer: inout any ResponseBodyWriter
    ) async throws {
        while let chunk = try await remote.next() {
            // Looked at when something came: what stays silent is ended by the idle time.
            if NIODeadline.now() > end { throw Denial.upstreamTimeout }
            try await writer.write(chunk)
        }
    }
}
