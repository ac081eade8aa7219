import JSON
import NIOCore
import Values

/// The answer of the built-in upstream as a stream of events, made one by one as somebody asks for the next.
///
/// A word is an event, so that a client shows the words as they come. An event is 200 bytes and more beside its word, so
/// that holds for the first words only; then an event has as many as fit into half a KiB, and a stream is never larger
/// than twice what was said and some 20 KiB.
struct EchoStream: Sendable {
    /// The number of words that come alone.
    static let loneWords = 64
    /// The least that an event has of the text after them, in bytes.
    static let least = 512
    /// The most, in bytes: a word without an end is cut.
    static let most = 16 * 1024

    private enum Step { case role, text, reason, usage, done, end }

    private let content: ByteBuffer
    /// What every event begins with.
    private let head: String
    private let usage: String?
    private var step = Step.role
    private var at = 0
    private var words = 0

    /// - Parameter wantsUsage: whether the last event but one says what was used.
    init(_ reply: EchoReply, wantsUsage: Bool) {
        content = reply.content
        usage = wantsUsage ? reply.usage.text : nil
        head =
            #"data: {"id":"chatcmpl-echo","object":"chat.completion.chunk","created":0,"model":"#
            + JSON.string(reply.model).text + #","choices":["#
    }

    /// The next event; `nil` after the last one, which is `[DONE]`.
    mutating func next() -> ByteBuffer? {
        switch step {
        case .role:
            step = .text
            return event(
                #"{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null,"logprobs":null}]"#)
        case .text:
            let text = nextText()
            if at == content.readableBytes { step = .reason }
            var event = ByteBuffer(string: head + #"{"index":0,"delta":{"content":""#)
            event.writeImmutableBuffer(text)
            event.writeString(#""},"finish_reason":null,"logprobs":null}]}"# + "\n\n")
            return event
        case .reason:
            step = usage == nil ? .done : .usage
            return event(#"{"index":0,"delta":{},"finish_reason":"stop","logprobs":null}]"#)
        case .usage:
            step = .done
            return event(#"],"usage":\#(usage ?? "null")"#)
        case .done:
            step = .end
            return ByteBuffer(string: "data: [DONE]\n\n")
        case .end: return nil
        }
    }

    private func event(_ rest: String) -> ByteBuffer { ByteBuffer(string: head + rest + "}\n\n") }

    /// The next word with the blank before it, or some of them.
    private mutating func nextText() -> ByteBuffer {
        let least = words < Self.loneWords ? 1 : Self.least
        words += 1
        let start = at
        content.withUnsafeReadableBytes { bytes in
            var isWhole = false
            while !isWhole {
                at += Self.unit(bytes, at)
                let length = at - start
                isWhole = at == bytes.count || length >= Self.most || length >= least && bytes[at] == UInt8(ascii: " ")
            }
        }
        return content.getSlice(at: content.readerIndex + start, length: at - start) ?? ByteBuffer()
    }

    /// How many bytes at a place of a JSON string's inside must stay together: an escape, two of them for a pair of
    /// surrogates, or a character's.
    private static func unit(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> Int {
        switch bytes[place] {
        case UInt8(ascii: "\\"):
            guard bytes[place + 1] == UInt8(ascii: "u") else { return 2 }
            // D8 to DB begin a pair (RFC 8259 §7).
            let isLead = bytes[place + 2] | 0x20 == UInt8(ascii: "d") && "89aAbB".utf8.contains(bytes[place + 3])
            return isLead ? 12 : 6
        case 0xF0...: return 4
        case 0xE0...: return 3
        case 0xC0...: return 2
        default: return 1
        }
    }
}
