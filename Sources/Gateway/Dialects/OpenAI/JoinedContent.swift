import JSON
import NIOCore

/// The content of several system messages as that of one. What is joined is JSON as it was written, so nothing is read or
/// escaped again.
struct JoinedContent {
    /// Whether it is an array of parts; otherwise it is one string.
    private let isParts: Bool
    private var message: ByteBuffer
    private var isFirst = true

    init(isParts: Bool) {
        self.isParts = isParts
        message = ByteBuffer(string: #"{"role":"system","content":"# + (isParts ? "[" : "\""))
    }

    /// - Parameter content: a JSON string or array. Arrays only where parts are made. What is empty adds nothing.
    mutating func add(_ kind: JSONKind, _ content: ByteBuffer) {
        let inner = content.getSlice(at: content.readerIndex + 1, length: content.readableBytes - 2) ?? ByteBuffer()
        let isEmpty = inner.readableBytesView.allSatisfy { kind == .array && [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        if isEmpty { return }
        if !isFirst { message.writeString(isParts ? "," : #"\n\n"#) }
        isFirst = false
        if isParts, kind == .string {
            message.writeString(#"{"type":"text","text":"#)
            message.writeImmutableBuffer(content)
            message.writeString("}")
        } else {
            message.writeImmutableBuffer(inner)
        }
    }

    /// The one message.
    consuming func whole() -> ByteBuffer {
        message.writeString(isParts ? "]}" : "\"}")
        return message
    }
}
