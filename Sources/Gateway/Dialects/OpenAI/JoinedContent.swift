import JSON
import NIOCore

/// The content of several system messages as that of one. What is joined is JSON as it was written, so nothing is read or
/// escaped again.
struct JoinedContent {
    /// Whether it is an array of parts; otherwise it is one string.
    private let isParts: Bool
    private var message: ByteBuffer
    private var isFirst = true

    /// What stands around a string that becomes a part.
    private static let part = (before: #"{"type":"text","text":"#, after: "}")

    /// - Parameters:
    ///   - count: how many contents will be added.
    ///   - size: how many bytes they have together.
    init(isParts: Bool, count: Int, size: Int) {
        self.isParts = isParts
        message = ByteBuffer()
        message.reserveCapacity(size + count * (isParts ? 32 : 4) + 64)
        message.writeString(#"{"role":"system","content":"# + (isParts ? "[" : "\""))
    }

    /// - Parameter content: a JSON string or array. Arrays only where parts are made. What is empty adds nothing.
    mutating func add(_ kind: JSONKind, _ content: ByteBuffer) {
        let inner = content.getSlice(at: content.readerIndex + 1, length: content.readableBytes - 2) ?? ByteBuffer()
        let isEmpty = inner.readableBytesView.allSatisfy { kind == .array && [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        if isEmpty { return }
        if !isFirst { message.writeString(isParts ? "," : #"\n\n"#) }
        isFirst = false
        if isParts, kind == .string {
            message.writeString(Self.part.before)
            message.writeImmutableBuffer(content)
            message.writeString(Self.part.after)
        } else {
            message.writeImmutableBuffer(inner)
        }
    }

    /// The one message.
    mutating func finish() -> ByteBuffer {
        message.writeString(isParts ? "]}" : "\"}")
        return message
    }
}
