/// The bytes that a string stands for, one after the other: UTF-8 with the escapes read (RFC 8259 §7). The string must be
/// part of a text that has been checked.
package struct JSONStringBytes: Sequence, IteratorProtocol {
    private let bytes: UnsafeRawBufferPointer
    /// Where the next byte, or the quotation mark at the end, stands.
    private(set) var at: Int
    /// The rest of a code point that was escaped, its next byte lowest. None of them is zero.
    private var rest: UInt32 = 0

    /// - Parameter start: the place after the quotation mark.
    init(_ bytes: UnsafeRawBufferPointer, from start: Int) {
        self.bytes = bytes
        at = start
    }

    package mutating func next() -> UInt8? {
        if rest != 0 {
            defer { rest >>= 8 }
            return UInt8(truncatingIfNeeded: rest)
        }
        let byte = bytes[at]
        switch byte {
        case UInt8(ascii: "\""): return nil
        case UInt8(ascii: "\\"): return escaped()
        default:
            at += 1
            return byte
        }
    }

    private mutating func escaped() -> UInt8 {
        let byte = bytes[at + 1]
        at += 2
        switch byte {
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"): return codePoint()
        default: return byte
        }
    }

    private mutating func codePoint() -> UInt8 {
        var point = UInt32(codeUnit())
        if (0xD800..<0xDC00).contains(point) {
            at += 2
            point = 0x10000 + (point & 0x3FF) << 10 + UInt32(codeUnit()) & 0x3FF
        }
        let scalar = Unicode.Scalar(point) ?? "\u{FFFD}"
        var encoded = UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
        let first = encoded.removeFirst()
        for (index, byte) in encoded.enumerated() { rest |= UInt32(byte) << (8 * UInt32(index)) }
        return first
    }

    private mutating func codeUnit() -> UInt16 {
        defer { at += 4 }
        return (at..<at + 4).reduce(0) { $0 << 4 | (UInt16(hexDigit: bytes[$1]) ?? 0) }
    }
}
