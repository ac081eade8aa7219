import JSON
import NIOCore
import Values

/// Whether an answer of success is one text or a stream of events.
enum AnswerForm: Equatable, Sendable {
    case whole, stream

    /// A label that says "event stream" is believed. Otherwise, when a stream was asked for, the first byte decides:
    /// servers label their streams as JSON, or not at all.
    /// - Parameters:
    ///   - label: the field `Content-Type`.
    ///   - hasEnded: whether `beginning` is all there is.
    /// - Returns: `nil` when more bytes are needed to tell.
    init?(label: String?, isStreamAsked: Bool, beginning: ByteBuffer, hasEnded: Bool) {
        if let label, Text(label).lowercased.hasPrefix("text/event-stream") {
            self = .stream
        } else if !isStreamAsked {
            self = .whole
        } else if let first = beginning.readableBytesView.first(where: { !JSONWalk.isSpace($0) }) {
            let isText = [UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "<"), UInt8(ascii: "\"")].contains(first)
            self = isText ? .whole : .stream
        } else if hasEnded {
            self = .whole
        } else {
            return nil
        }
    }

    /// The label that the caller gets, in words of our own. It is all that passes of a successful answer's header
    /// fields; of a refusal's, `Retry-After` does. Whatever else stands there, a proxy's spending, an organisation's name
    /// or the provider's own, tells of the operator and not of the answer.
    var contentType: String {
        switch self {
        case .whole: "application/json"
        case .stream: "text/event-stream"
        }
    }
}
