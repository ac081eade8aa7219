/// How the end of a message's body is known (RFC 9112 §6.3).
package enum BodyFraming: Sendable, Equatable {
    /// There is no body: `end` follows the head.
    case none
    /// `Content-Length`, in bytes; may be 0.
    case length(Int)
    /// `Transfer-Encoding: chunked`.
    case chunked
    /// All that comes until the connection is closed. Answers only.
    case untilClose

    /// Whether it is known from the head that no byte follows.
    package var isEmpty: Bool { self == .none || self == .length(0) }
}
