package import Audit
package import Catalog
package import Policy
package import Values

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
    /// When it was closed, for good; `nil` while it is open.
    package var closedAt: Timestamp?
    /// Whether keys may be created so that they can be shown again.
    package var allowsRevealableKeys: Bool
    /// When the account wants its keys rotated.
    package var keyRotationAge: KeyRotationAge
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
    package let groups: [GroupName]

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

    /// Whether it suspends the account and does nothing else.
    package var isBrake: Bool {
        isSuspended == true && name == nil && cap == nil && defaultGroup == nil && groups == nil
    }
}

/// What an account wants of its own keys; `nil` stays as it is.
package struct KeyPolicyEdit: Sendable {
    package var allowsRevealableKeys: Bool?
    package var keyRotationAge: KeyRotationAge?

    package init(allowsRevealableKeys: Bool? = nil, keyRotationAge: KeyRotationAge? = nil) {
        self.allowsRevealableKeys = allowsRevealableKeys
        self.keyRotationAge = keyRotationAge
    }

    func apply(to account: inout Account) {
        account.allowsRevealableKeys = allowsRevealableKeys ?? account.allowsRevealableKeys
        account.keyRotationAge = keyRotationAge ?? account.keyRotationAge
    }
}

extension Account {
    /// Of what it wants of its own keys.
    package func policyChanges(from old: Account) -> Changes {
        var changes = Changes()
        changes.note("revealable", from: String(old.allowsRevealableKeys), to: String(allowsRevealableKeys))
        changes.note(
            "key_rotation_age_days", from: String(old.keyRotationAge.days), to: String(keyRotationAge.days))
        return changes
    }

    /// All but whether it is suspended, which is an act of its own.
    func changes(from old: Account) -> Changes {
        var changes = Changes()
        changes.note("name", from: old.name, to: name)
        changes.note("credential_cap", from: String(old.cap.value), to: String(cap.value))
        changes.note("default_group", from: old.defaultGroup, to: defaultGroup)
        changes.note("groups", from: old.groups, to: groups)
        return changes
    }
}
