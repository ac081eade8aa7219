package import Policy

/// The tenant: owns applications and credentials.
package struct Account: Sendable {
    package var id: Identifier
    package var name: String
    /// How many keys it may hold at once.
    package var cap: CredentialCap
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
}

/// A person who signs in to one account.
package struct User: Sendable {
    package var id: Identifier
    package var account: Identifier
    /// Unique in the deployment, in lower case.
    package var email: String
    /// An operator of the deployment.
    package var isAdmin: Bool
    package var createdAt: Timestamp
}

/// An open place for one address in one account.
package struct Invitation: Sendable {
    package static let lifetime: Duration = .seconds(7 * 86_400)

    package var id: Identifier
    package var account: Identifier
    package var email: String
    package var expiresAt: Timestamp
}

/// An e-mail address as a name for signing in: nothing is sent to it.
///
/// Compared without case, since people type it so; the local part keeps its other spelling (RFC 5321 §2.4 leaves it to
/// the receiving host). ASCII only, so that no look-alike address can be registered beside another.
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
