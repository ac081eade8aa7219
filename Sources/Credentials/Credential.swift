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
    package var expiresAt: Timestamp?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
}

/// What a user says of a new key.
package struct CredentialDraft: Sendable {
    let application: Identifier
    let name: OptionalName
    let expiresAt: Timestamp?

    package init(application: Identifier, name: OptionalName, expiresAt: Timestamp?) {
        self.application = application
        self.name = name
        self.expiresAt = expiresAt
    }
}

/// A live key as a call meets it: what policy must know, and what the secret is checked against.
package struct KeyRecord: Sendable {
    package let credential: Identifier
    package let account: Identifier
    package let facts: KeyFacts
    let phc: PHCString
}
