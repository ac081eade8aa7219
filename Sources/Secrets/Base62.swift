import Values

/// Digits, capitals, small letters: what a double click selects whole.
enum Base62 {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    static func value(_ character: UInt8) -> UInt64? {
        switch character {
        case 0x30...0x39: UInt64(character - 0x30)
        case 0x41...0x5A: UInt64(character - 0x41 + 10)
        case 0x61...0x7A: UInt64(character - 0x61 + 36)
        default: nil
        }
    }

    /// Whether a character has a value: the same, faster, for where whole texts are looked through.
    @inline(__always)
    static func isDigit(_ character: UInt8) -> Bool {
        // A bit tells capitals from small letters.
        character &- 0x30 < 10 || (character | 0x20) &- 0x61 < 26
    }

    /// The last `count` digits of a number, the highest first.
    static func digits(of number: UInt64, count: Int) -> [UInt8] {
        var rest = number
        var digits = [UInt8](repeating: alphabet[0], count: count)
        for index in digits.indices.reversed() {
            digits[index] = alphabet[Int(rest % 62)]
            rest /= 62
        }
        return digits
    }

    /// `nil` for other characters and for what does not fit into 64 bits.
    static func number(_ digits: some Sequence<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for character in digits {
            guard let digit = value(character) else { return nil }
            let (product, isTooLarge) = number.multipliedReportingOverflow(by: 62)
            let (sum, isStillTooLarge) = product.addingReportingOverflow(digit)
            if isTooLarge || isStillTooLarge { return nil }
            number = sum
        }
        return number
    }

    /// Uniform: bytes from 248 on are thrown away, since 256 is no multiple of 62.
    static func random(_ count: Int, _ entropy: Entropy) -> [UInt8] {
        var digits: [UInt8] = []
        while digits.count < count {
            for byte in entropy.bytes(count) where byte < 248 && digits.count < count {
                digits.append(alphabet[Int(byte % 62)])
            }
        }
        return digits
    }
}

/// CRC-32 as in IEEE 802.3 and gzip (RFC 1952 §8): any single changed character changes it.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    static func checksum(_ parts: some Sequence<UInt8>, _ more: ArraySlice<UInt8> = []) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in parts { value = value >> 8 ^ table[Int((value ^ UInt32(byte)) & 0xFF)] }
        for byte in more { value = value >> 8 ^ table[Int((value ^ UInt32(byte)) & 0xFF)] }
        return ~value
    }
}
