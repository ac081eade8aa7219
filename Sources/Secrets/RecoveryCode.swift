package import Values

/// The codes for a lost authenticator app: `abcd-efgh-jkmn-pqrs`, 80 bits. People write them down by hand and type one
/// of them once, perhaps years later.
///
/// Crockford's base32 (crockford.com/base32.html): digits and letters without i, l, o and u.
package enum RecoveryCode {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    private static let length = 16

    package static func mint(_ entropy: Entropy) -> Secret {
        // 256 is a multiple of 32: each character is equally likely.
        spelled(entropy.bytes(length).map { alphabet[Int($0 & 0x1F)] })
    }

    /// A code as ``mint(_:)`` writes it, however it was typed: in capitals, with blanks, with dashes elsewhere or none,
    /// and with i or l for 1 and o for 0, as Crockford reads them. `nil` for anything that can't be a code.
    package static func normalised(_ text: String) -> Secret? {
        var characters: [UInt8] = []
        for byte in text.utf8 where !" \t\r\n-".utf8.contains(byte) {
            // Of a character that is a letter, this makes the small one.
            let small = Base62.isDigit(byte) ? byte | 0x20 : byte
            let meant: UInt8 =
                switch small {
                case UInt8(ascii: "o"): UInt8(ascii: "0")
                case UInt8(ascii: "i"), UInt8(ascii: "l"): UInt8(ascii: "1")
                default: small
                }
            guard alphabet.contains(meant), characters.count < length else { return nil }
            characters.append(meant)
        }
        return characters.count == length ? spelled(characters) : nil
    }

    /// In groups of four.
    private static func spelled(_ characters: [UInt8]) -> Secret {
        let groups = stride(from: 0, to: length, by: 4).map { characters[$0..<$0 + 4] }
        return Secret(Array(groups.joined(separator: [UInt8(ascii: "-")])))
    }
}
