package import Policy

/// Who is asking, and what they may ask for.
package struct Actor: Sendable {
    package let user: User
    package let scopes: Set<Scope>
    /// The session, when the call came with one; `nil` for a platform token.
    package let session: Session?

    package var account: Identifier { user.account }
}

/// One sign-in.
package struct Session: Sendable {
    package var id: Identifier
    /// The end, whatever happens.
    package var expiresAt: Timestamp
    /// The end, unless it is used before.
    package var idleExpiresAt: Timestamp
    /// What a page must send back in a header with every call that changes something.
    package var csrfToken: String
}

/// One thing that a platform token may do. A session may do all that its user may.
package enum Scope: String, Sendable, CaseIterable {
    case applicationsRead = "applications:read"
    case applicationsWrite = "applications:write"
    case applicationsDelete = "applications:delete"
    case credentialsRead = "credentials:read"
    case credentialsWrite = "credentials:write"
    case credentialsDelete = "credentials:delete"
    case catalogRead = "catalog:read"
    case catalogWrite = "catalog:write"
    case accountsRead = "accounts:read"
    case accountsWrite = "accounts:write"
    case tokensRead = "tokens:read"
    case usageRead = "usage:read"
    case creditsWrite = "credits:write"
    case auditRead = "audit:read"

    /// Whether the user must be an operator to use it.
    package var needsAdmin: Bool {
        switch self {
        case .catalogWrite, .accountsRead, .accountsWrite, .creditsWrite, .auditRead: true
        default: false
        }
    }
}

extension Scope: FieldText {
    package static let rule = "must be one of " + allCases.map(\.rawValue).joined(separator: ", ")

    package init?(_ text: String) { self.init(rawValue: text) }
}
