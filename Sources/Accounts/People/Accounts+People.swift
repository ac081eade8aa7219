package import Audit
package import Database
package import Values

/// The people in an account.
extension Accounts {
    /// The newest first.
    package func users(of account: Identifier, _ page: Page) async throws -> Listing<User> {
        try await parts.database.read { connection in
            guard try AccountTable.isSuspended(account, connection) != nil else { throw AccountsError.notFound }
            return Listing(try UserTable.page(of: account, page, connection), page, id: \.id)
        }
    }

    /// Everybody who is or was a user of an account.
    package func everyone(of account: Identifier) async throws -> Set<Identifier> {
        try await parts.database.read { try UserTable.everyone(of: account, $0) }
    }

    /// Binds the very next call of the user's sessions and tokens.
    /// - Parameter actor: who wants it, with the rights that they have.
    package func setRole(
        _ role: Role, of user: Identifier, in account: Identifier, for actor: User, by author: Author
    ) async throws -> User {
        let now = parts.clock.now()
        return try await parts.database.write { connection in
            guard var user = try UserTable.find(user, of: account, connection)?.user else {
                throw AccountsError.notFound
            }
            if user.role == role { return user }
            try Self.check(user, actor)
            if user.role == .root { try Self.checkOtherRoot(of: account, connection) }
            if role == .root { try Self.checkMayOpen(account, actor, connection) }
            user.role = role
            try UserTable.setRole(role, of: user.id, connection)
            // What they gave away and kept as root user ends with that.
            if role == .member {
                try InvitationTable.deleteAll(by: user.id, connection)
                try RevealPairTable.delete(of: user.id, connection)
            }
            try author.record(
                .userRole, account: account, object: user.id.description, detail: ["role": role.rawValue], at: now,
                in: connection)
            return user
        }
    }

    /// Takes a person out of an account. Their sessions and tokens are worth nothing from the next call on; the keys
    /// that they created stay the account's. Their address is free.
    ///
    /// An account's own people keep a root user. An operator may take out the last one too: somebody may have joined with
    /// an address that is another's.
    package func remove(
        _ user: Identifier, from account: Identifier, for actor: User, by author: Author
    ) async throws {
        let now = parts.clock.now()
        try await parts.database.write { connection in
            guard let found = try UserTable.find(user, of: account, connection)?.user else {
                throw AccountsError.notFound
            }
            try Self.check(found, actor)
            if found.role == .root, actor.account == account { try Self.checkOtherRoot(of: account, connection) }
            if found.isAdmin, try UserTable.countAdmins(connection) <= 1 { throw AccountsError.lastAdmin }
            try Self.takeOut(found, author, now, connection)
        }
    }

    /// All that a person has goes, and their address is free.
    static func takeOut(_ user: User, _ author: Author, _ now: Timestamp, _ connection: Connection) throws {
        try RevealPairTable.delete(of: user.id, connection)
        try SessionTable.deleteAll(of: user.id, connection)
        try PlatformTokenTable.deleteAll(of: user.id, connection)
        try PasswordResetTable.delete(of: user.id, connection)
        try SecondFactorTable.remove(of: user.id, connection)
        try InvitationTable.deleteAll(by: user.id, connection)
        try UserTable.remove(user.id, now, connection)
        try author.record(
            .userRemove, account: user.account, object: user.id.description, detail: ["role": user.role.rawValue],
            at: now, in: connection)
    }

    /// The operators' rights don't hang on those of whoever manages the account that they are in.
    private static func check(_ user: User, _ actor: User) throws {
        if user.isAdmin, !actor.isAdmin { throw AccountsError.adminOnly }
    }

    /// An account that has a root user is that user's to open to others, and no operator's.
    static func checkMayOpen(_ account: Identifier, _ actor: User, _ connection: Connection) throws {
        if actor.account == account { return }
        if try UserTable.countRoots(of: account, connection) > 0 { throw AccountsError.accountHasUsers }
    }

    /// An account without a root user could be managed by nobody.
    private static func checkOtherRoot(of account: Identifier, _ connection: Connection) throws {
        guard try UserTable.countRoots(of: account, connection) > 1 else { throw AccountsError.lastRootUser }
    }
}
