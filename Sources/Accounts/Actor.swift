package import Values

/// Who is asking, and what they may ask for.
package struct Actor: Sendable {
    package let user: User
    package let scopes: Set<Scope>
    /// The session, when the call came with one; `nil` for a platform token.
    package let session: Session?

    package var account: Identifier { user.account }
}
