import Values

/// One thing that a platform token may do. A session may do all that its user may.
package enum Scope: String, Sendable, CaseIterable {
    case applicationsRead = "applications:read"
    case applicationsWrite = "applications:write"
    case applicationsDelete = "applications:delete"
    case credentialsRead = "credentials:read"
    case credentialsWrite = "credentials:write"
    case credentialsDelete = "credentials:delete"
    case credentialsRotate = "credentials:rotate"
    case credentialsVerify = "credentials:verify"
    case usersRead = "users:read"
    case usersWrite = "users:write"
    case catalogRead = "catalog:read"
    case catalogWrite = "catalog:write"
    case accountsRead = "accounts:read"
    case accountsWrite = "accounts:write"
    case tokensRead = "tokens:read"
    case usageRead = "usage:read"
    case creditsWrite = "credits:write"
    case auditRead = "audit:read"
    case healthRead = "health:read"

    /// Whether the user must be an operator to use it.
    package var needsAdmin: Bool {
        switch self {
        case .catalogWrite, .accountsRead, .accountsWrite, .creditsWrite, .healthRead: true
        default: false
        }
    }

    /// Whether the user must be a root user of their account to use it: whatever touches a key, and what tells who did.
    package var needsRoot: Bool {
        switch self {
        case .applicationsWrite, .applicationsDelete, .credentialsWrite, .credentialsDelete, .credentialsRotate,
            .credentialsVerify, .usersWrite, .auditRead:
            true
        default: false
        }
    }

    /// Whether a user's own rights cover it.
    package func isOpen(to user: User) -> Bool {
        if self == .auditRead, user.isAdmin { return true }
        return (user.isAdmin || !needsAdmin) && (user.role == .root || !needsRoot)
    }
}

extension Scope: FieldText {
    package static let rule = "must be one of " + allCases.map(\.rawValue).joined(separator: ", ")

    package init?(_ text: String) { self.init(rawValue: text) }
}
