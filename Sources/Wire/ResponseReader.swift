package import NIOCore

/// Reads one answer of an upstream; each request on a connection gets a reader of its own.
///
/// What upstreams send is as untrusted as what strangers send, so this is as strict as ``RequestReader``.
package struct ResponseReader: Sendable {
    private let bounds: HeadBounds
    private let method: RequestMethod

    /// - Parameter method: that of the request: an answer to `HEAD` has no body, whatever it says.
    package init(to method: RequestMethod, _ bounds: HeadBounds = HeadBounds()) {
        self.method = method
        self.bounds = bounds
    }

    /// Takes the next event off the front of the bytes, and only its bytes. Interim answers (100, 102 …) are passed over.
    ///
    /// Between calls, more bytes may be added at the end; none may be taken from the front.
    /// - Returns: `nil` when more bytes are needed, or after `end`. Bytes that are left after `end` are nobody's: such a
    ///   connection must not be used again.
    /// - Throws: and throws the same again at each later call.
    package mutating func next(from bytes: inout ByteBuffer) throws(FramingError) -> ResponseEvent? { nil }

    /// The upstream sends nothing more. To be called when `next` has returned `nil` for all that was received.
    /// - Returns: `end` for an answer whose end is the end of the connection; `nil` if the end was returned before.
    /// - Throws: `cutShort` when the answer isn't whole.
    package mutating func endOfInput() throws(FramingError) -> ResponseEvent? { nil }

    /// Whether nothing of an answer has been seen yet, not even an interim one.
    package var isUntouched: Bool { true }
}

/// What ``ResponseReader`` finds, in this order: a head, parts of its body (perhaps none, never empty), its end.
package enum ResponseEvent: Sendable {
    case head(ResponseHead)
    case body(ByteBuffer)
    case end
}
