package import Values

/// A way to a new password for a user who has lost theirs.
package struct PasswordReset: Sendable {
    package static let lifetime: Duration = .seconds(3600)

    package var id: Identifier
    package var user: Identifier
    package var expiresAt: Timestamp
}
