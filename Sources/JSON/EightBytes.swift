/// Eight bytes of a text at once: most bytes of a large text lie inside of strings, where a scanner looks for few bytes
/// only. The arithmetic is exact about "is there one", not about where it is (a borrow may reach the bytes above it).
struct EightBytes {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    let word: UInt64

    /// The eight bytes at `offset`; `nil` where fewer are left.
    init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard offset + 8 <= bytes.count else { return nil }
        word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// Whether one of them is `byte`.
    func has(_ byte: UInt8) -> Bool {
        let zeros = word ^ (Self.ones &* UInt64(byte))
        return (zeros &- Self.ones) & ~zeros & Self.tops != 0
    }

    /// Whether one of them is a quotation mark or a backslash: what ends a string or hides its end.
    var hasMark: Bool { has(UInt8(ascii: "\"")) || has(UInt8(ascii: "\\")) }

    /// Whether all are printable ASCII that stands for itself in a string.
    var arePlain: Bool {
        let controls = (word &- Self.ones &* 0x20) & ~word
        return (word | controls) & Self.tops == 0 && !hasMark
    }
}
