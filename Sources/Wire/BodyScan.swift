import NIOCore

/// Takes a body off the front of what was received, part by part, by its framing.
struct BodyScan: Sendable {
    enum Part {
        case bytes(ByteBuffer)
        case end
    }

    private enum State {
        case length(Int)
        case chunkHead
        case chunk(Int)
        case chunkEnd
        case trailers
        case untilClose
        case done
    }

    /// Of one chunk's head, with its extensions.
    private static let chunkHeadBytes = 256
    /// Of all extensions of a body. They are read by nobody (RFC 9112 §7.1.1), so they are not needed at any length.
    private static let extensionBytes = 4096
    /// Trailer fields are read by nobody either.
    private static let trailerBounds = HeadBounds(headBytes: 8 * 1024, fields: 100)

    private var state: State
    private var extensions = 0
    private var trailers = HeadScan(nil)

    init(_ framing: BodyFraming) {
        state =
            switch framing {
            case .none, .length(0): .done
            case .length(let count): .length(count)
            case .chunked: .chunkHead
            case .untilClose: .untilClose
            }
    }

    /// Whether the body is whole if nothing more comes.
    var mayEndHere: Bool {
        switch state {
        case .untilClose, .done: true
        default: false
        }
    }

    /// - Returns: `nil` when more bytes are needed; `end` again and again at the end.
    mutating func next(from bytes: inout ByteBuffer) throws(FramingError) -> Part? {
        while true {
            switch state {
            case .done: return .end
            case .length(let rest):
                guard let part = bytes.readPart(rest) else { return nil }
                state = part.readableBytes == rest ? .done : .length(rest - part.readableBytes)
                return .bytes(part)
            case .untilClose:
                return bytes.readPart(.max).map { .bytes($0) }
            case .chunkHead:
                guard let head = try bytes.chunkHead(Self.chunkHeadBytes) else { return nil }
                extensions += head.extensionCount
                guard extensions <= Self.extensionBytes else { throw FramingError(.trailerTooLarge) }
                bytes.moveReaderIndex(forwardBy: head.count)
                state = head.size == 0 ? .trailers : .chunk(head.size)
            case .chunk(let rest):
                guard let part = bytes.readPart(rest) else { return nil }
                state = part.readableBytes == rest ? .chunkEnd : .chunk(rest - part.readableBytes)
                return .bytes(part)
            case .chunkEnd:
                guard try bytes.hasLineEnd() else { return nil }
                bytes.moveReaderIndex(forwardBy: 2)
                state = .chunkHead
            case .trailers:
                guard try areTrailersWhole(bytes) else { return nil }
                bytes.moveReaderIndex(forwardBy: trailers.count)
                trailers = HeadScan(nil)
                state = .done
            }
        }
    }

    private mutating func areTrailersWhole(_ bytes: ByteBuffer) throws(FramingError) -> Bool {
        do throws(FramingError) {
            return try bytes.withBytes { bytes throws(FramingError) in
                try trailers.advance(in: bytes, Self.trailerBounds) != nil
            }
        } catch {
            throw error.reason == .headTooLarge ? FramingError(.trailerTooLarge) : error
        }
    }
}

extension ByteBuffer {
    /// A slice of what there is, of at most this many bytes; `nil` when there is nothing.
    fileprivate mutating func readPart(_ most: Int) -> ByteBuffer? {
        readableBytes == 0 ? nil : readSlice(length: Swift.min(most, readableBytes))
    }

    fileprivate func hasLineEnd() throws(FramingError) -> Bool {
        try withBytes { bytes throws(FramingError) in
            if bytes.count > 0, bytes[0] != 0x0D { throw FramingError(.chunk) }
            guard bytes.count > 1 else { return false }
            guard bytes[1] == 0x0A else { throw FramingError(.chunk) }
            return true
        }
    }

    fileprivate func chunkHead(_ most: Int) throws(FramingError) -> ChunkHead? {
        try withBytes { bytes throws(FramingError) in try ChunkHead(bytes, most: most) }
    }
}
