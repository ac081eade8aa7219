package import Catalog
package import Policy

/// The tenant: owns applications, credentials and one balance of credits.
package struct Account: Sendable {
    package var id: Identifier
    package var name: String
    /// How many keys it may hold at once.
    package var cap: CredentialCap
    /// The pricing group of every key that has chosen no other.
    package var defaultGroup: String
    /// The others that keys may choose; sorted.
    package var groups: [String]
    /// None of its keys works.
    package var isSuspended: Bool
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    /// The facts that policy asks for.
    package var facts: AccountFacts { AccountFacts(isSuspended: isSuspended) }

    /// The groups that its keys may choose among.
    package var usableGroups: Set<String> { Set(groups + [defaultGroup]) }

    /// The group that a call is priced in: the key's, for as long as the account may use it, else the account's own.
    package func group(chosen: String?) -> String {
        guard let chosen, chosen == defaultGroup || groups.contains(chosen) else { return defaultGroup }
        return chosen
    }
}

/// What makes a new account.
package struct AccountDraft: Sendable {
    let name: DisplayName
    let cap: CredentialCap
    let defaultGroup: GroupName?
    let groups: [GroupName]

    /// - Parameter defaultGroup: `nil` for the deployment's standard group.
    package init(name: DisplayName, cap: CredentialCap, defaultGroup: GroupName? = nil, groups: [GroupName] = []) {
        self.name = name
        self.cap = cap
        self.defaultGroup = defaultGroup
        self.groups = groups
    }
}

/// What changes of an account; `nil` stays as it is.
package struct AccountEdit: Sendable {
    package var name: DisplayName?
    package var cap: CredentialCap?
    package var defaultGroup: GroupName?
    package var groups: [GroupName]?
    package var isSuspended: Bool?

    package init() {}

    /// What it says, for the audit record.
    var detail: [String: String] {
        var detail: [String: String] = [:]
        detail["name"] = name?.text
        detail["credential_cap"] = cap.map { String($0.value) }
        detail["default_group"] = defaultGroup?.text
        detail["groups"] = groups?.map(\.text).joined(separator: " ")
        return detail
    }
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
