import Values

/// A word that an account tells its keys apart by. Nothing follows from it for the calls of a key.
package struct KeyLabel: FieldText, Hashable {
    package static let longest = KeyWord.longest
    package static let rule = KeyWord.rule
    /// How many a key may have.
    package static let most = 10
    package let text: String

    package init?(_ text: String) {
        guard KeyWord.isOne(text) else { return nil }
        self.text = text
    }
}

extension [KeyLabel] {
    /// Each once, in the order of their bytes.
    var sortedTexts: [String] { Set(map(\.text)).sorted() }
}

/// Where a key is used, as its account calls it: one of ``usual`` or a word of its own. Nothing follows from it for the
/// calls of a key.
package struct KeyEnvironment: FieldText, Hashable {
    package static let longest = KeyWord.longest
    package static let rule = KeyWord.rule
    /// The ones to offer.
    package static let usual = ["development", "testing", "production"]
    package let text: String

    package init?(_ text: String) {
        guard KeyWord.isOne(text) else { return nil }
        self.text = text
    }
}

/// The form of both. ASCII, so that a word may be compared as a `String`; without blanks, which separate words in the table.
private enum KeyWord {
    /// In bytes.
    static let longest = 32
    static let rule =
        "must be 1 to 32 characters of a-z, 0-9, '.', '_' and '-', of which the first is a letter or a digit"

    static func isOne(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= longest, isLetterOrDigit(first) else { return false }
        return text.utf8.allSatisfy { isLetterOrDigit($0) || ".-_".utf8.contains($0) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
