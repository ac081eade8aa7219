import Values

/// An e-mail address as a name for signing in: nothing is sent to it.
///
/// Compared without regard to case, since people type it so (RFC 5321 §2.4 leaves the local part to the receiving
/// host). ASCII only, so that nobody registers an address that looks like another one.
package struct EmailAddress: FieldText, Equatable {
    package static let rule = "must be an e-mail address of at most 254 ASCII characters, such as ada@example.com"
    package let text: String

    package init?(_ text: String) {
        guard (3...254).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].count), !parts[0].contains(where: "<>()[]\\,;:\"".contains),
            parts[1].split(separator: ".", omittingEmptySubsequences: false).allSatisfy(Self.isLabel)
        else { return nil }
        self.text = text.lowercased()
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.count) && label.first != "-" && label.last != "-"
            && label.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
    }
}
