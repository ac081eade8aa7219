package import Catalog
package import Policy
import Secrets

/// A key as its account sees it, without the secret.
package struct Credential: Sendable {
    package var id: Identifier
    /// The user who created it.
    package var creator: Identifier
    package var account: Identifier
    package var application: Identifier
    /// May be empty.
    package var name: String
    /// As much of the key as may be shown.
    package var hint: String
    package var terms: KeyTerms
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
}

/// The restrictions on a key. `nil` is none.
package struct KeyTerms: Sendable, Equatable {
    package var expiresAt: Timestamp?
    /// For the whole life of the key.
    package var creditLimit: Credits?
    /// For each UTC month.
    package var monthlyLimit: Credits?
    /// The pricing group, where it is another than the account's default.
    package var group: String?

    package init(
        expiresAt: Timestamp? = nil, creditLimit: Credits? = nil, monthlyLimit: Credits? = nil, group: String? = nil
    ) {
        self.expiresAt = expiresAt
        self.creditLimit = creditLimit
        self.monthlyLimit = monthlyLimit
        self.group = group
    }
}

/// What a user says of a new key.
package struct CredentialDraft: Sendable {
    let application: Identifier
    let name: OptionalName
    let terms: KeyTerms

    package init(application: Identifier, name: OptionalName, terms: KeyTerms) {
        self.application = application
        self.name = name
        self.terms = terms
    }
}

/// What changes of a key; the outer `nil` stays as it is, the inner one takes the term away.
package struct CredentialEdit: Sendable {
    package var name: OptionalName?
    package var expiresAt: Timestamp??
    package var creditLimit: Credits??
    package var monthlyLimit: Credits??
    package var group: GroupName??

    package init() {}

    func apply(to credential: inout Credential) {
        credential.name = name?.text ?? credential.name
        credential.terms.expiresAt = expiresAt ?? credential.terms.expiresAt
        credential.terms.creditLimit = creditLimit ?? credential.terms.creditLimit
        credential.terms.monthlyLimit = monthlyLimit ?? credential.terms.monthlyLimit
        if let group { credential.terms.group = group?.text }
    }
}

/// A live key as a call meets it: what policy must know, and what the secret is checked against.
package struct KeyRecord: Sendable {
    package let credential: Identifier
    package let account: Identifier
    package let facts: KeyFacts
    /// The pricing group that was chosen for it.
    package let group: String?
    let phc: PHCString
}
