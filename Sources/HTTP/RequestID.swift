import Glibc
import Synchronization

/// The name of one request, in its answer (`X-Request-Id`) and in the log: 128 random bits as 32 hexadecimal digits.
///
/// Random, since a count would tell each caller how many requests others make, and whose came next. It opens nothing.
package enum RequestID {
    package static func random() -> String {
        let (high, low) = supply.withLock { $0.next() }
        return String(unsafeUninitializedCapacity: 32) { digits in
            for place in 0..<16 {
                let shift = UInt64(60 - 4 * place)
                digits[place] = digit(high >> shift)
                digits[16 + place] = digit(low >> shift)
            }
            return 32
        }
    }

    private static func digit(_ word: UInt64) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: word & 0xF)
        return value < 10 ? 0x30 + value : 0x61 - 10 + value
    }

    private static let supply = Mutex(Supply())

    /// The kernel's random numbers, many at a time: each request to it is a system call.
    private struct Supply {
        private var words: [UInt64] = []

        mutating func next() -> (UInt64, UInt64) {
            if words.count < 2 {
                // 256 bytes is the most that it gives at once.
                words = [UInt64](repeating: 0, count: 32)
                let isFilled = words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) } == 0
                precondition(isFilled, "the kernel has random numbers (Linux 3.17)")
            }
            return (words.removeLast(), words.removeLast())
        }
    }
}
