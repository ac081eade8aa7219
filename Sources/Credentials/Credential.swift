import Audit
package import Catalog
package import Policy
package import Secrets
package import Values

/// A key as its account sees it, without the secret.
package struct Credential: Sendable {
    package var id: Identifier
    /// The user who created it.
    package var creator: Identifier
    package var account: Identifier
    package var application: Identifier
    /// May be empty.
    package var name: String
    package var terms: KeyTerms
    /// Each once, sorted.
    package var labels: [String]
    /// `nil` for none.
    package var environment: String?
    /// A key that is not works for nobody, and keeps everything else.
    package var isEnabled: Bool
    package var secret: KeySecret
    /// The one before, for as long as it still works beside.
    package var retiring: KeySecret?
    /// When one of its secrets, past ones too, was last used; to within a few seconds.
    package var lastUsedAt: Timestamp?
    package var reveal: Reveal
    /// How often it was shown again, and when last.
    package var reveals: Int64
    package var revealedAt: Timestamp?
    /// When somebody said that the secret was found where it must not be.
    package var leakReportedAt: Timestamp?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    /// As much of the key as may be shown.
    package var hint: String { secret.hint }

    /// Whether the secret can be shown again.
    package enum Reveal: String, Sendable {
        /// It was shown once, at the creation.
        case showOnce = "show_once"
        /// There is a copy that a root user's password opens.
        case available
        /// There was one, sealed to a key that went with a forgotten password.
        case lost
    }

    /// The facts that policy asks for.
    package var facts: KeyFacts { KeyFacts(application: application, isDisabled: !isEnabled, terms: terms) }
}

/// One secret of a key: what may be known of it.
package struct KeySecret: Sendable {
    /// The public id in the token.
    package let id: TokenID
    package let hint: String
    package let createdAt: Timestamp
    /// To within a few seconds.
    package var lastUsedAt: Timestamp?
    /// When it stops working; `nil` for the current one.
    package let endsAt: Timestamp?
}

extension Credential {
    /// How long the old secret must have been silent before nobody can be expected to have it any more.
    package static let silence: Duration = .seconds(86_400)

    /// Whether the old secret can go without anybody missing it: the new one is in use, and the old one has not been
    /// for a day.
    package func isSafeToRetire(at now: Timestamp) -> Bool {
        guard let retiring, secret.lastUsedAt != nil else { return false }
        return max(retiring.lastUsedAt ?? secret.createdAt, secret.createdAt).adding(Self.silence) <= now
    }
}

/// What a user says of a new key.
package struct CredentialDraft: Sendable {
    package let application: Identifier
    package let name: OptionalName
    package let terms: KeyTerms
    package let labels: [KeyLabel]
    package let environment: KeyEnvironment?
    package let isRevealable: Bool

    /// - Parameters:
    ///   - labels: at most ``KeyLabel/most``.
    ///   - isRevealable: whether a copy is to be kept that a root user's password opens.
    package init(
        application: Identifier, name: OptionalName, terms: KeyTerms, labels: [KeyLabel] = [],
        environment: KeyEnvironment? = nil, isRevealable: Bool = false
    ) {
        self.application = application
        self.name = name
        self.terms = terms
        self.labels = labels
        self.environment = environment
        self.isRevealable = isRevealable
    }
}

/// What changes of a key; the outer `nil` stays as it is, the inner one takes the term away.
package struct CredentialEdit: Sendable {
    package var name: OptionalName?
    package var isEnabled: Bool?
    package var expiresAt: Timestamp??
    package var creditLimit: Credits??
    package var monthlyLimit: Credits??
    package var group: GroupName??
    package var models: [ModelName]??
    package var addresses: [AddressBlock]??
    package var host: HostName??
    /// At most ``KeyLabel/most``, in place of those that there are.
    package var labels: [KeyLabel]?
    package var environment: KeyEnvironment??

    package init() {}

    /// Whether it switches the key off and does nothing else.
    package var isBrake: Bool {
        isEnabled == false && name == nil && expiresAt == nil && creditLimit == nil && monthlyLimit == nil
            && group == nil && models == nil && addresses == nil && host == nil && labels == nil && environment == nil
    }

    func apply(to credential: inout Credential) {
        credential.name = name?.text ?? credential.name
        credential.isEnabled = isEnabled ?? credential.isEnabled
        credential.terms.expiresAt = expiresAt ?? credential.terms.expiresAt
        credential.terms.creditLimit = creditLimit ?? credential.terms.creditLimit
        credential.terms.monthlyLimit = monthlyLimit ?? credential.terms.monthlyLimit
        if let group { credential.terms.group = group?.text }
        if let models { credential.terms.models = models.map { $0.map(\.text) } }
        credential.terms.addresses = addresses ?? credential.terms.addresses
        credential.terms.host = host ?? credential.terms.host
        credential.labels = labels?.sortedTexts ?? credential.labels
        if let environment { credential.environment = environment?.text }
    }
}

extension Credential {
    /// All but whether it works, which is an act of its own.
    func changes(from old: Credential) -> Changes {
        var changes = Changes()
        let (before, after) = (old.terms, terms)
        changes.note("name", from: old.name, to: name)
        changes.note("expired_at", from: before.expiresAt?.rfc3339, to: after.expiresAt?.rfc3339)
        changes.note("limited_amount", from: before.creditLimit?.decimal, to: after.creditLimit?.decimal)
        changes.note("monthly_limit", from: before.monthlyLimit?.decimal, to: after.monthlyLimit?.decimal)
        changes.note("group", from: before.group, to: after.group)
        changes.note("models", from: before.models, to: after.models)
        changes.note("ip_allowlist", from: before.addresses?.map(\.text), to: after.addresses?.map(\.text))
        changes.note("host", from: before.host?.text, to: after.host?.text)
        changes.note("labels", from: old.labels, to: labels)
        changes.note("environment", from: old.environment, to: environment)
        return changes
    }
}

/// A live key as a call meets it: what policy must know, and what the secret is checked against.
package struct KeyRecord: Sendable {
    package let credential: Identifier
    package let account: Identifier
    package let facts: KeyFacts
    let phc: PHCString
    /// When the secret that was presented stops working; `nil` for the current one.
    let endsAt: Timestamp?
    /// The public id of that secret.
    package let secretID: TokenID
}

extension KeyRecord {
    /// Whether the secret works no more.
    package func isOver(at now: Timestamp) -> Bool { endsAt.map { RetiringSecretTable.isOver($0, at: now) } ?? false }

    /// Itself, unless the time of its secret is over.
    func live(at now: Timestamp) throws(Denial) -> KeyRecord {
        if isOver(at: now) { throw .invalidKey }
        return self
    }
}
