package import Audit
package import Database
import Policy
package import Secrets
package import Values

/// How people come in: the first admin, and everybody after by invitation.
extension Accounts {
    // MARK: The first admin

    package func isEmpty() async throws -> Bool { try await parts.database.read { try !UserTable.isAnyone($0) } }

    /// Creates an account and its root user with the admin flag. For the command line, which has the data directory in
    /// its hands already, and for first-run set-up.
    /// - Parameters:
    ///   - onlyFirst: refuse when there is any user.
    package func createAdmin(
        email: EmailAddress, password: Password, accountName: DisplayName, onlyFirst: Bool, by author: Author
    ) async throws -> User {
        if onlyFirst, try await !isEmpty() { throw AccountsError.alreadySetUp }
        try password.check(email: email)
        let account = newAccount(AccountDraft(name: accountName, cap: .standard))
        let user = newUser(email, .root, in: account.id, isAdmin: true)
        try await parts.database.read { try Self.checkFree(user.email, $0) }
        let lock = try await lock(password, of: user.id, for: .deployment)
        return try await parts.database.write { connection in
            if onlyFirst, try UserTable.isAnyone(connection) { throw AccountsError.alreadySetUp }
            try AccountTable.insert(account, connection)
            try UserTable.insert(user, lock, connection)
            try Self.record(account, author, connection)
            try Self.recordJoin(user, author, connection)
            return user
        }
    }

    private static func recordJoin(_ user: User, _ author: Author, _ connection: Connection) throws {
        try author.by(user.id).record(
            .userJoin, account: user.account, object: user.id.description,
            detail: ["role": user.role.rawValue, "email": user.email], at: user.createdAt, in: connection)
    }

    // MARK: Invitations

    /// Invites somebody into an account. An older invitation of the same address into it stops working.
    ///
    /// Operators invite the first root user of an account; from then on it is for its own root users. That an address has a
    /// user in another account is told to operators alone; to tenants it shows only when the invitation can't be
    /// accepted.
    package func invite(
        _ email: EmailAddress, as role: Role, to account: Identifier, for actor: User, by author: Author
    ) async throws -> (Invitation, Secret) {
        let minted = invitations.mint(parts.entropy)
        let now = parts.clock.now()
        let invitation = Invitation(
            id: parts.newID(at: now), account: account, email: email.text, role: role,
            expiresAt: now.adding(Invitation.lifetime))
        let digest = parts.keys.lookupDigest(of: minted.secret, purpose: "invitation")
        try await parts.database.write { connection in
            guard let home = try AccountTable.find(account, connection) else { throw AccountsError.notFound }
            if home.closedAt != nil { throw AccountsError.accountClosed }
            let holder = try UserTable.find(email: email.text, connection)?.user
            if let holder, actor.isAdmin || holder.account == account { throw AccountsError.emailTaken }
            try Self.checkMayOpen(account, actor, connection)
            let users = try UserTable.count(of: account, connection)
            guard try users + InvitationTable.count(of: account, now, connection) < User.limit else {
                throw AccountsError.userLimitReached
            }
            try InvitationTable.replace(invitation, by: author.actor, digest, now, connection)
            try author.record(
                .userInvite, account: account, object: invitation.id.description,
                detail: ["email": email.text, "role": role.rawValue], at: now, in: connection)
        }
        return (invitation, minted.secret)
    }

    /// The open ones, the newest first.
    package func invitations(to account: Identifier, _ page: Page) async throws -> Listing<Invitation> {
        let now = parts.clock.now()
        return try await parts.database.read { connection in
            guard try AccountTable.isSuspended(account, connection) != nil else { throw AccountsError.notFound }
            return Listing(try InvitationTable.page(of: account, page, now, connection), page, id: \.id)
        }
    }

    /// Takes an invitation back.
    package func withdraw(invitation id: Identifier, to account: Identifier, by author: Author) async throws {
        let now = parts.clock.now()
        try await parts.database.write { connection in
            guard try InvitationTable.delete(id, of: account, connection) == 1 else { throw AccountsError.notFound }
            try author.record(
                .userUninvite, account: account, object: id.description, at: now, in: connection)
        }
    }

    /// Uses an invitation up. The password is hashed only for one that would be taken as things are, so neither a guess
    /// nor an address that is in use costs an Argon2id.
    package func accept(invitation token: String, password: Password, by author: Author) async throws -> User {
        guard let presented = invitations.parse(token), invitations.isGenuine(presented) else {
            throw AccountsError.invitationInvalid
        }
        let digest = parts.keys.lookupDigest(of: Secret(token), purpose: "invitation")
        let now = parts.clock.now()
        guard let invitation = try await parts.database.read({ try InvitationTable.find(digest, now, $0) }),
            let email = EmailAddress(invitation.email)
        else { throw AccountsError.invitationInvalid }
        try password.check(email: email)
        let user = newUser(email, invitation.role, in: invitation.account, isAdmin: false)
        try await parts.database.read { try Self.checkPlace(of: user, $0) }
        let lock = try await lock(password, of: user.id, for: .account(user.account))
        return try await parts.database.write { connection in
            guard try InvitationTable.delete(digest, now, connection) == 1 else {
                throw AccountsError.invitationInvalid
            }
            try Self.checkPlace(of: user, connection)
            try UserTable.insert(user, lock, connection)
            try Self.recordJoin(user, author, connection)
            return user
        }
    }

    /// Whether the account has room for one more, and nobody has the address.
    private static func checkPlace(of user: User, _ connection: Connection) throws {
        guard try UserTable.count(of: user.account, connection) < User.limit else {
            throw AccountsError.userLimitReached
        }
        try checkFree(user.email, connection)
    }

    private static func checkFree(_ email: String, _ connection: Connection) throws {
        if try UserTable.isAnyone(withEmail: email, connection) { throw AccountsError.emailTaken }
    }

    private func newUser(_ email: EmailAddress, _ role: Role, in account: Identifier, isAdmin: Bool) -> User {
        let now = parts.clock.now()
        return User(
            id: parts.newID(at: now), account: account, email: email.text, role: role, isAdmin: isAdmin,
            hasSecondFactor: false, createdAt: now)
    }
}
