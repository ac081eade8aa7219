/// Eight bytes of a text at once: most bytes of a large text lie inside of strings, where a scanner looks for few bytes
/// only. The arithmetic is exact about "is there one", and about where the first one is: a borrow may reach the bytes above
/// it, never those below.
struct EightBytes {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    let word: UInt64

    /// The eight bytes at `offset`; `nil` where fewer are left.
    init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard offset + 8 <= bytes.count else { return nil }
        word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// Whether one of them is a quotation mark or a backslash: what ends a string or hides its end.
    var hasMark: Bool { marks & Self.tops != 0 }

    private var marks: UInt64 { zeros(UInt8(ascii: "\"")) | zeros(UInt8(ascii: "\\")) }
    private var controls: UInt64 { (word &- Self.ones &* 0x20) & ~word }

    private func zeros(_ byte: UInt8) -> UInt64 {
        let zeros = word ^ (Self.ones &* UInt64(byte))
        return (zeros &- Self.ones) & ~zeros
    }

    /// Steps over what stands for itself in a string, eight bytes at a time: up to the first mark or control character, or to
    /// where fewer than eight are left.
    /// - Parameter isASCII: whether what isn't ASCII ends it as well.
    @inline(__always) static func skipPlain(_ bytes: UnsafeRawBufferPointer, _ at: inout Int, isASCII: Bool) {
        while let eight = EightBytes(bytes, at: at) {
            let found = (eight.marks | eight.controls | (isASCII ? eight.word : 0)) & tops
            // The usual step does not depend on what was found, so the next one need not wait for it.
            guard found != 0 else {
                at += 8
                continue
            }
            at += found.littleEndian.trailingZeroBitCount / 8
            return
        }
    }
}
