package import NIOCore

/// HTTP/1.1 as bytes, in both directions, and nothing else.
///
/// This floor turns what a connection received into heads, body parts and ends, and heads into bytes. It knows no channel,
/// no route and no deadline; whoever owns the connection feeds it, and closes the connection when it throws. It makes no
/// text and copies nothing: a head is places in its bytes, a part of a body is a slice of what was received.
///
/// It takes only what RFC 9112 lets nobody read in two ways, because there is a proxy before most deployments, and where
/// two readers of one connection disagree about an end, one caller's bytes become the head of another's request. So: lines
/// end with CR LF; no folded values; one `Content-Length` of digits, or `Transfer-Encoding: chunked`, never both. What is
/// taken here swift-nio's decoder takes as well, and reads the same; the tests hold both against each other.
///
/// A reader reads all messages of one connection, in order.
///
///     var reader = RequestReader()
///     received.writeBuffer(&bytes)
///     while let event = try reader.next(from: &received) {
///         switch event {
///         case .head(let head): …
///         case .body(let bytes): …
///         case .end: …
///         }
///     }
package struct RequestReader: Sendable {
    private let bounds: HeadBounds

    package init(_ bounds: HeadBounds = HeadBounds()) { self.bounds = bounds }

    /// Takes the next event off the front of the bytes, and only its bytes.
    ///
    /// Between calls, more bytes may be added at the end; none may be taken from the front.
    /// - Returns: `nil` when more bytes are needed, or when the last message said that no other follows (``isOver``).
    /// - Throws: and throws the same again at each later call. What well-formed events came before was returned before.
    package mutating func next(from bytes: inout ByteBuffer) throws(FramingError) -> RequestEvent? {
        nil
    }

    /// Whether a message has begun and its `end` was not returned. False while only a part of a head is here.
    package var isInsideMessage: Bool { false }

    /// Whether the last message has ended that may come on this connection: what follows is nobody's and is not looked at.
    package var isOver: Bool { false }
}

/// What ``RequestReader`` finds, in this order: a head, parts of its body (perhaps none, never empty), its end.
package enum RequestEvent: Sendable {
    case head(RequestHead)
    case body(ByteBuffer)
    case end
}
