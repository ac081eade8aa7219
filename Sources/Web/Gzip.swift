import CZlib
package import HTTPTypes
package import NIOCore
import Values

/// Compression of answers (RFC 1952), for callers who take it.
package enum Gzip {
    /// Whether the caller takes gzip (RFC 9110 §12.5.3). A list with weights that isn't read to the end counts as none.
    package static func isAccepted(_ headers: HTTPFields) -> Bool {
        guard let header = headers[.acceptEncoding], header.utf8.count <= 1024 else { return false }
        return Text(header).lowercased.split(on: ",").contains { element in
            let parts = element.split(on: ";").map(\.trimmed)
            guard parts[0] == "gzip" || parts[0] == "*" else { return false }
            return !parts.dropFirst().contains { $0 == "q=0" || $0.hasPrefix("q=0.0") }
        }
    }

    /// `nil` when the bytes can't be compressed, which is for want of memory alone.
    /// - Parameter level: 1…9; a page that is made for one answer is not worth the time of the highest.
    package static func compressed(_ bytes: ByteBuffer, level: Int32 = 6) -> ByteBuffer? {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard
            deflateInit2_(&stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        let room = Int(deflateBound(&stream, UInt(input.readableBytes)))
        var output = ByteBufferAllocator().buffer(capacity: room)
        var result = Z_OK
        input.withUnsafeMutableReadableBytes { source in
            stream.next_in = source.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_in = UInt32(clamping: source.count)
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
                stream.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(clamping: room)
                // With as much room as it can need, one call does all.
                result = deflate(&stream, Z_FINISH)
                return room - Int(stream.avail_out)
            }
        }
        return result == Z_STREAM_END ? output : nil
    }
}
