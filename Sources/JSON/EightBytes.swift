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

    /// How many of them stand before the first mark or control character; 8 when there is none.
    var plainCount: Int { Self.count(before: marks | controls) }

    /// The same, where what isn't ASCII ends them as well.
    var plainASCIICount: Int { Self.count(before: marks | controls | word) }

    private var marks: UInt64 { zeros(UInt8(ascii: "\"")) | zeros(UInt8(ascii: "\\")) }
    private var controls: UInt64 { (word &- Self.ones &* 0x20) & ~word }

    private func zeros(_ byte: UInt8) -> UInt64 {
        let zeros = word ^ (Self.ones &* UInt64(byte))
        return (zeros &- Self.ones) & ~zeros
    }

    private static func count(before found: UInt64) -> Int { (found & tops).littleEndian.trailingZeroBitCount / 8 }
}
