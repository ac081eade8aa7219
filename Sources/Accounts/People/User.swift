package import Values

/// A person who signs in to one account.
package struct User: Sendable {
    /// How many an account may have.
    package static let limit = 100

    package var id: Identifier
    package var account: Identifier
    /// Unique in the deployment, in lower case.
    package var email: String
    package var role: Role
    /// An operator of the deployment.
    package var isAdmin: Bool
    /// Whether signing in takes a code beside the password.
    package var hasSecondFactor: Bool
    package var createdAt: Timestamp
}
