import CZlib
import NIOCore

/// Undoes gzip and deflate, piece by piece: what is not asked for stays compressed, so that a small body that expands to a
/// huge one takes no more memory than a piece.
final class Inflater {
    /// The bytes are not what they were said to be.
    struct Malformed: Error {}

    private enum Stage {
        /// Nothing has come yet.
        case fresh
        case inside
        /// At the end of one compressed stream.
        case ended
    }

    /// The largest piece that is given out, in bytes.
    static let piece = 32 * 1024

    private let coding: ContentCoding
    private var stage = Stage.fresh
    private var input = ByteBuffer()
    /// On the heap, and never moved: zlib's own state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>
    private var isOpen = false

    /// - Parameter coding: gzip or deflate.
    init(_ coding: ContentCoding) {
        self.coding = coding
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
    }

    deinit {
        if isOpen { inflateEnd(stream) }
        stream.deallocate()
    }

    /// Whether the body may end here. One of no bytes at all is as good as an empty one.
    var isWhole: Bool { input.readableBytes == 0 && stage != .inside }

    func feed(_ bytes: ByteBuffer) {
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeImmutableBuffer(bytes)
        }
    }

    /// The next piece of what was compressed; `nil` when more input is needed.
    func next() throws(Malformed) -> ByteBuffer? {
        while true {
            switch stage {
            case .fresh:
                guard try open() else { return nil }
            case .ended:
                guard input.readableBytes > 0 else { return nil }
                // A gzip body may be several members, one after the other (RFC 1952 §2.2); nothing may follow the others.
                guard coding == .gzip, inflateReset(stream) == Z_OK else { throw Malformed() }
                stage = .inside
            case .inside:
                // With no input left there may still be output that had no room before.
                let output = try step()
                if output.readableBytes > 0 { return output }
                if stage == .inside { return nil }
            }
        }
    }

    /// - Returns: `false` when more bytes are needed to know how.
    private func open() throws(Malformed) -> Bool {
        let windowBits: Int32
        if coding == .gzip {
            guard input.readableBytes > 0 else { return false }
            windowBits = MAX_WBITS + 16
        } else {
            guard let start = input.getInteger(at: input.readerIndex, as: UInt16.self) else { return false }
            // A zlib header says 8 for deflate, and is a multiple of 31 (RFC 1950 §2.2).
            let isZlib = start >> 8 & 0x0F == 8 && start % 31 == 0
            windowBits = isZlib ? MAX_WBITS : -MAX_WBITS
        }
        let size = Int32(MemoryLayout<z_stream>.size)
        guard inflateInit2_(stream, windowBits, ZLIB_VERSION, size) == Z_OK else { throw Malformed() }
        isOpen = true
        stage = .inside
        return true
    }

    private func step() throws(Malformed) -> ByteBuffer {
        var output = ByteBufferAllocator().buffer(capacity: Self.piece)
        var result = Z_OK
        input.readWithUnsafeMutableReadableBytes { bytes in
            stream.pointee.next_in = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_in = UInt32(clamping: bytes.count)
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.piece) { room in
                stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(Self.piece)
                result = inflate(stream, Z_SYNC_FLUSH)
                return Self.piece - Int(stream.pointee.avail_out)
            }
            let taken = min(bytes.count, Int(UInt32.max)) - Int(stream.pointee.avail_in)
            stream.pointee.next_in = nil
            stream.pointee.next_out = nil
            return taken
        }
        switch result {
        case Z_STREAM_END: stage = .ended
        // No progress was possible: there was no input.
        case Z_OK, Z_BUF_ERROR: break
        default: throw Malformed()
        }
        return output
    }
}
