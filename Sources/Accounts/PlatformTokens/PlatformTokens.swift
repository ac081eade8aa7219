package import Audit
package import Database
package import Secrets
package import Values

/// A bearer token for the management API, with scopes. It never opens an app.
package struct PlatformToken: Sendable {
    /// Live tokens that one user may have.
    package static let limit = 50

    package var id: Identifier
    package var user: Identifier
    package var name: String
    package var scopes: [Scope]
    package var expiresAt: Timestamp?
    package var createdAt: Timestamp
    /// As much of it as may be shown.
    package var hint: String
}

extension Accounts {
    /// Creates a token for a user. It can't do more than its user can, now or later: scopes are weighed again with the
    /// user's own rights at each use.
    package func issueToken(
        name: DisplayName, scopes: [Scope], expiresAt: Timestamp?, for user: User, by author: Author
    ) async throws -> (PlatformToken, Secret) {
        let beyond = scopes.filter { !$0.isOpen(to: user) }
        let forAdmins = beyond.filter(\.needsAdmin)
        guard forAdmins.isEmpty else { throw AccountsError.adminScopes(forAdmins) }
        guard beyond.isEmpty else { throw AccountsError.rootScopes(beyond) }
        let now = parts.clock.now()
        if expiresAt.isExpired(at: now) { throw AccountsError.expiryInPast }
        // Looked at before as well as in the transaction, so that a refused request costs no Argon2id.
        try await parts.database.read { try Self.checkLimit(of: user.id, now, $0) }
        let minted = platformTokens.mint(parts.entropy)
        let phc = try await parts.argon2.hash(minted.secret, for: .account(user.account))
        let token = PlatformToken(
            id: parts.newID(at: now), user: user.id, name: name.text, scopes: Scope.allCases.filter(scopes.contains),
            expiresAt: expiresAt, createdAt: now, hint: minted.hint)
        try await parts.database.write { connection in
            try Self.checkLimit(of: user.id, now, connection)
            // Removed while the token was hashed: then there is nobody whom it could speak for.
            guard try UserTable.find(user.id, of: user.account, connection) != nil else {
                throw AccountsError.sessionEnded
            }
            try PlatformTokenTable.insert(token, minted.id.text, phc, connection)
            try author.record(
                .tokenCreate, account: user.account, object: token.id.description,
                detail: ["scopes": token.scopes.map(\.rawValue).joined(separator: " ")], at: now, in: connection)
        }
        verifier.remember(minted.presented)
        return (token, minted.secret)
    }

    private static func checkLimit(of user: Identifier, _ now: Timestamp, _ connection: Connection) throws {
        guard try PlatformTokenTable.countLive(of: user, now, connection) < PlatformToken.limit else {
            throw AccountsError.tokenLimitReached
        }
    }

    package func tokens(of user: Identifier, _ page: Page) async throws -> Listing<PlatformToken> {
        let format = platformTokens
        return try await parts.database.read {
            Listing(try PlatformTokenTable.page(of: user, page, format, $0), page, id: \.id)
        }
    }

    /// Binds the very next call.
    package func deleteToken(_ id: Identifier, of user: User, by author: Author) async throws {
        let now = parts.clock.now()
        let key = try await parts.database.write { connection in
            guard let key = try PlatformTokenTable.delete(id, of: user.id, connection) else {
                throw AccountsError.notFound
            }
            try author.record(
                .tokenDelete, account: user.account, object: id.description, at: now, in: connection)
            return key
        }
        if let key = TokenID(key) { verifier.forget(id: key) }
    }

    /// Whom a bearer token speaks for; `nil` when it is none of ours, deleted or expired.
    package func actor(platformToken text: String) async throws -> Actor? {
        guard let presented = platformTokens.parse(text) else { return nil }
        let known = verifier.recall(presented)
        if known != true, !platformTokens.isGenuine(presented) { return nil }
        let key = presented.id.text
        guard let row = try await parts.database.read({ try PlatformTokenTable.find(key, $0) }),
            !row.expiresAt.isExpired(at: parts.clock.now())
        else { return nil }
        if known != true,
            try await !verifier.verify(presented, against: row.phc, for: .account(row.user.account))
        {
            return nil
        }
        return Actor(
            user: row.user, scopes: Set(row.scopes.filter { $0.isOpen(to: row.user) }), session: nil)
    }
}
