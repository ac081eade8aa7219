/// The classes of bytes that HTTP's grammar knows.
enum ByteClass {
    /// Letters, digits and ``!#$%&'*+-.^_`|~`` (RFC 9110 §5.6.2): what methods and names of fields are made of. One bit for
    /// each byte below 0x80.
    private static let tokenBelow64: UInt64 = 0x03FF_6CFA_0000_0000
    private static let tokenFrom64: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    @inline(__always) static func isToken(_ byte: UInt8) -> Bool {
        guard byte < 0x80 else { return false }
        let word = byte < 0x40 ? tokenBelow64 : tokenFrom64
        return word >> UInt64(byte & 0x3F) & 1 == 1
    }

    @inline(__always) static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    @inline(__always) static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x46: Int(byte) - 0x41 + 10
        case 0x61...0x66: Int(byte) - 0x61 + 10
        default: nil
        }
    }

    /// What a value is made of (RFC 9110 §5.5): blanks, tabs, visible ASCII, and bytes above 0x7F.
    @inline(__always) static func isValue(_ byte: UInt8) -> Bool { byte >= 0x20 ? byte != 0x7F : byte == 0x09 }

    /// Whether all bytes may stand in a value. Eight at a time; only where one of eight is below 0x20 or is 0x7F, each is
    /// looked at.
    static func areValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            if hasControl(word), !bytes[place..<place + 8].allSatisfy(isValue) { return false }
            place += 8
        }
        while place < bytes.count {
            guard isValue(bytes[place]) else { return false }
            place += 1
        }
        return true
    }

    /// Whether all bytes are visible ASCII (RFC 3986 §2 allows nothing else in an address).
    static func areVisible(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            // Adding 0x5F to a byte below 0x80 reaches 0x80 from 0x21 on.
            guard word & highBits == 0, (word &+ each(0x5F)) & highBits == highBits, !hasDelete(word) else {
                return false
            }
            place += 8
        }
        while place < bytes.count {
            guard (0x21...0x7E).contains(bytes[place]) else { return false }
            place += 1
        }
        return true
    }

    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    private static func each(_ byte: UInt64) -> UInt64 { byte &* 0x0101_0101_0101_0101 }

    /// Whether one of eight bytes is below 0x20 or is 0x7F. May say so wrongly, never the other way round: a borrow can run
    /// from one byte into the next.
    @inline(__always) private static func hasControl(_ word: UInt64) -> Bool {
        (word &- each(0x20)) & ~word & highBits != 0 || hasDelete(word)
    }

    @inline(__always) private static func hasDelete(_ word: UInt64) -> Bool {
        let other = word ^ each(0x7F)
        return (other &- each(0x01)) & ~other & highBits != 0
    }
}
