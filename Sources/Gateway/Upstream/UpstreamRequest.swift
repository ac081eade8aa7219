package import NIOCore
package import Wire

/// What is sent to an upstream, as bytes.
package struct UpstreamRequest {
    /// The same as in the head: an answer to `HEAD` has no body.
    package var method: RequestMethod
    /// Request line and fields, to the empty line, with a `Content-Length` that is that of the body; then the body. A small
    /// body is copied behind the head, since a second part costs more than the copy.
    let parts: [ByteBuffer]
    /// When the whole exchange must be over.
    package var end: NIODeadline

    package init(method: RequestMethod = .post, head: ByteBuffer, body: [ByteBuffer], end: NIODeadline) {
        self.method = method
        self.end = end
        guard body.reduce(0, { $0 + $1.readableBytes }) <= Self.copied else {
            parts = [head] + body
            return
        }
        var whole = head
        for part in body { whole.writeImmutableBuffer(part) }
        parts = [whole]
    }

    /// The largest body, in bytes, that is copied behind its head.
    private static let copied = 8 * 1024
}

/// Hears what becomes of a request, on the event loop: one head, pieces of the body, then the end; or, at any place before the
/// end, a failure. Nothing comes after an end, a failure, or `cancel()`, and nothing before `send` has returned.
package protocol UpstreamListener: AnyObject {
    /// - Parameter length: of the body that will come, in bytes; `nil`: not known. It is not the head's where the body was
    ///   compressed: the body comes decompressed, whatever `Content-Encoding` says.
    func upstream(head: ResponseHead, length: Int?)
    /// Never empty.
    func upstream(body: ByteBuffer)
    /// The answer is whole.
    func upstreamEnded()
    func upstreamFailed(_ failure: UpstreamFailure)
}
