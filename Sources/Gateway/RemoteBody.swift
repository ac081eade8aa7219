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
    /// What was read to find out how it begins.
    private(set) var beginning = ByteBuffer()
    private(set) var hasEnded = false
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
            guard let chunk = try await rest.next() else {
                hasEnded = true
                return nil
            }
            bytes += chunk.readableBytes
            if bytes > limit { throw Denial.upstreamFailed }
            return chunk
        } catch let error as HTTPClientError where error == .readTimeout || error == .deadlineExceeded {
            throw Denial.upstreamTimeout
        } catch let error where !(error is CancellationError || error is Denial) {
            throw Denial.upstreamFailed
        }
    }

    /// Reads until the beginning has more than so many bytes, or to the end.
    func read(beyond most: Int) async throws {
        while !hasEnded, beginning.readableBytes <= most {
            guard let chunk = try await next() else { return }
            if beginning.readableBytes == 0 { beginning = chunk } else { beginning.writeImmutableBuffer(chunk) }
        }
    }

    /// Puts other bytes in the place of the beginning.
    func begin(with bytes: ByteBuffer) { beginning = bytes }
}
