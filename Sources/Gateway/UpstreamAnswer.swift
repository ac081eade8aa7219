import HTTP
import HTTPTypes
import Hummingbird
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
        case stream(RemoteStream)
    }

    let status: HTTPResponse.Status
    let headers: HTTPFields
    /// As declared by the upstream; `nil` for a stream.
    let length: Int?
    var body: Body

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
        _ receipt: Receipt, charge: Task<Void, any Error>?, holding place: CallPlaces.Place, for callers: Callers,
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
            do {
                switch body {
                case .whole: break
                case .echo(var events):
                    try await Self.begin([events.next()].compactMap { $0 }[...], charge, &writer)
                    while let event = events.next() { try await writer.write(event) }
                case .remote(let remote):
                    try await callers.whilePresent(
                        on: channel,
                        inThisTask: {
                            try await Self.begin([remote.beginning], charge, &writer)
                            while let chunk = try await remote.next() {
                                try Self.check(end)
                                try await writer.write(chunk)
                            }
                        })
                case .stream(let stream):
                    try await callers.whilePresent(
                        on: channel,
                        inThisTask: {
                            try await Self.begin(stream.beginning[...], charge, &writer)
                            try await Self.pass(stream, until: end, to: &writer)
                        })
                }
            } catch let denial as Denial where isEventStream {
                // The status has gone out long ago.
                try await writer.write(OpenAIChat().rupture(denial.problem))
            }
            try await writer.finish(nil)
            withExtendedLifetime(place) {}
        }
        return Response(status: status, headers: headers, body: responseBody)
    }

    /// Writes the beginning while the charge commits: what ends an answer for its reader is never in it.
    private static func begin(
        _ beginning: ArraySlice<ByteBuffer>, _ charge: Task<Void, any Error>?, _ writer: inout any ResponseBodyWriter
    ) async throws {
        for chunk in beginning { try await writer.write(chunk) }
        try await charge?.value
    }

    private static func pass(
        _ stream: RemoteStream, until end: NIODeadline, to writer: inout any ResponseBodyWriter
    ) async throws {
        while let step = try await stream.next() {
            switch step {
            case .passes(let bytes):
                try check(end)
                try await writer.write(bytes)
            case .last(let bytes): try await writer.write(bytes)
            }
        }
    }

    /// Looked at when something came: what stays silent is ended by the idle time. A denial ends the connection to the
    /// caller without the end of the body, so that nobody takes a part for the whole.
    private static func check(_ end: NIODeadline) throws(Denial) {
        if NIODeadline.now() > end { throw .upstreamTimeout }
    }
}
