package import NIOCore

/// The head of a request whose every part has been checked.
package struct RequestHead: Sendable {
    package let method: RequestMethod
    package let version: HTTPVersion
    package let fields: FieldLines
    package let framing: BodyFraming
    /// Whether another request may come on this connection: HTTP/1.1 unless it says `close`, HTTP/1.0 only if it asks.
    package let keepsAlive: Bool
    /// The caller waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1). Never in HTTP/1.0.
    package let expectsContinue: Bool

    let targetPlace: Place
    let pathPlace: Place
    let queryPlace: Place?
    let hostPlace: Place?

    /// The target as it was sent: `/path?query`, `http://host/path?query` or `*`. Visible ASCII.
    package var target: ByteBufferView { fields.head.view(targetPlace) }

    /// What stands before the `?`, never empty; of an absolute target what comes after the host (RFC 9112 §3.2.2).
    /// `*` only with OPTIONS.
    package var path: ByteBufferView { fields.head.view(pathPlace) }

    /// What stands after the first `?`; may be empty.
    package var query: ByteBufferView? { queryPlace.map(fields.head.view) }

    /// The host and port that were asked for: of an absolute target its own, else that of `Host`. Not empty; `nil` only in
    /// HTTP/1.0.
    package var host: ByteBufferView? { hostPlace.map(fields.head.view) }

    /// The head as it was received, with its last empty line.
    package var bytes: ByteBuffer { fields.head }
}
