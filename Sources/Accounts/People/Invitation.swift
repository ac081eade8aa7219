package import Values

/// An open place for one address in one account.
package struct Invitation: Sendable {
    package static let lifetime: Duration = .seconds(7 * 86_400)

    package var id: Identifier
    package var account: Identifier
    package var email: String
    package var role: Role
    package var expiresAt: Timestamp
}
