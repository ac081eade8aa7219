import HTTP
import NIOCore
import Values
import Wire

/// The body of a call while it comes in: bounded, and in memory once.
struct BodyIntake {
    private var bytes = ByteBuffer()
    private let limit: Int
    private let declared: Int?

    /// - Parameter limit: in bytes.
    init(_ framing: BodyFraming, limit: Int) {
        self.limit = limit
        declared = if case .length(let length) = framing { length } else { nil }
    }

    /// - Throws: the refusal of a body that is too large by its own word.
    func checkDeclared() throws(Problem) {
        if let declared, declared > limit { throw Self.tooLarge(limit) }
    }

    /// All that has come, which is then no longer here.
    mutating func takeBytes() -> ByteBuffer {
        defer { bytes = ByteBuffer() }
        return bytes
    }

    mutating func add(_ part: ByteBuffer) throws(Problem) {
        let count = bytes.readableBytes + part.readableBytes
        if count > limit { throw Self.tooLarge(limit) }
        if bytes.readableBytes == 0, part.readableBytes == declared ?? -1 {
            // All of it has come in one piece, as most do: no copy.
            bytes = part
            return
        }
        if bytes.capacity == 0 {
            // As much as was declared, but not before it is there: a word costs its sender nothing.
            bytes = ByteBufferAllocator().buffer(capacity: min(declared ?? part.readableBytes, 64 * 1024))
        } else if let declared, bytes.writableBytes < part.readableBytes {
            bytes.reserveCapacity(min(declared, max(count, 2 * bytes.readableBytes)))
        }
        bytes.writeImmutableBuffer(part)
    }

    private static func tooLarge(_ limit: Int) -> Problem {
        .bodyTooLarge(limit: limit, setBy: "gateway.max_request_bytes")
    }
}
