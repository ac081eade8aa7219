import AsyncHTTPClient
import NIOCore
import Policy

/// The body of an upstream's answer, partly read.
///
/// How an answer begins decides whether the call is charged and what the caller's answer looks like, so the beginning is
/// read before any of it goes out, and kept here with what is still to come.
///
/// Unchecked, because the client's iterator can't be sent: one task reads the beginning, returns, and only then another
/// reads on. Each call on this object happens after the one before has ended.
final class RemoteBody: @unchecked Sendable {
    /// The chunks that were read to find out how it begins.
    private(set) var beginning: [ByteBuffer] = []
    private var rest: HTTPClientResponse.Body.AsyncIterator
    private var bytes = 0
    private let limit: Int

    /// - Parameter limit: of the whole, in bytes.
    init(_ body: HTTPClientResponse.Body, limit: Int) {
        rest = body.makeAsyncIterator()
        self.limit = limit
    }

    /// The next chunk after the beginning; `nil` at the end. Whatever goes wrong is a denial.
    func next() async throws -> ByteBuffer? {
        do {
            guard let chunk = try await rest.next() else { return nil }
            bytes += chunk.readableBytes
            if bytes > limit { throw Denial.upstreamFailed }
            return chunk
        } catch let error as HTTPClientError where error == .readTimeout || error == .deadlineExceeded {
            throw Denial.upstreamTimeout
        } catch let error where !(error is CancellationError || error is Denial) {
            throw Denial.upstreamFailed
        }
    }

    /// Reads to the end when that comes within so many bytes; otherwise `nil`, and what was read is the beginning.
    func whole(upTo most: Int) async throws -> ByteBuffer? {
        while let chunk = try await next() {
            beginning.append(chunk)
            if bytes > most { return nil }
        }
        guard var whole = beginning.first else { return ByteBuffer() }
        for var chunk in beginning.dropFirst() { whole.writeBuffer(&chunk) }
        return whole
    }

    /// Reads the first chunk. `false` when there is none.
    func hasBegun() async throws -> Bool {
        guard let chunk = try await next() else { return false }
        beginning.append(chunk)
        return true
    }

    /// Reads an event stream up to its first content.
    func firstContent() async throws -> FirstContent.Finding {
        var look = FirstContent()
        while let chunk = try await next() {
            beginning.append(chunk)
            let finding = look.look(chunk)
            if case .nothing = finding { continue }
            return finding
        }
        return .nothing
    }
}
