import Glibc

/// Reads to the end, piece by piece into the same memory, so that it needs no more for a large file than for a small
/// one.
final class PieceReader {
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)

    deinit { buffer.deallocate() }

    /// - Throws: `SystemFailure`, or what `take` throws.
    func read(_ descriptor: Int32, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count == 0 { return }
            if count > 0 {
                try take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            } else if errno != EINTR {
                throw SystemFailure()
            }
        }
    }
}

/// Why the system could not do the last thing that it was asked for.
struct SystemFailure: Error {
    let reason = String(cString: strerror(errno))
}
