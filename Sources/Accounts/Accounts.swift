package import Database
package import Policy
package import Secrets

/// Tenants, the people in them, and the ways they prove who they are.
///
/// An account is the tenant; a user is a person who signs in to one account. Every user is the root user of their
/// account (members come later), and some are admins: operators of the deployment. This room owns accounts, users,
/// invitations, sessions and platform tokens, and the tables of these names. It may not know an app or a key.
///
/// How each secret is kept: passwords and platform tokens as Argon2id, because they live long; session tokens and
/// invitations, which are random, short-lived and looked up by themselves, as a keyed digest.
package struct Accounts: Sendable {
    /// How long sign-ins last (NIST SP 800-63B-4 §2.2.3 allows a day and an hour idle at AAL2).
    package struct SessionLimits: Sendable {
        package var idle: Duration
        package var absolute: Duration

        package init(idle: Duration, absolute: Duration) {
            self.idle = idle
            self.absolute = absolute
        }
    }

    /// What the rules of this room work with.
    package struct Parts: Sendable {
        let database: Database
        let keys: DeploymentKeys
        let argon2: Argon2Pool
        let tokenArgon2: Argon2Pool
        let sessions: SessionLimits
        let entropy: Entropy
        let clock: Clock

        /// - Parameters:
        ///   - argon2: for what anybody can ask for, such as a sign-in.
        ///   - tokenArgon2: for checking tokens. Apart from the other, so that a flood of sign-ins holds nobody's tools up.
        package init(
            database: Database, keys: DeploymentKeys, argon2: Argon2Pool, tokenArgon2: Argon2Pool,
            sessions: SessionLimits, entropy: Entropy, clock: Clock
        ) {
            self.database = database
            self.keys = keys
            self.argon2 = argon2
            self.tokenArgon2 = tokenArgon2
            self.sessions = sessions
            self.entropy = entropy
            self.clock = clock
        }

        func newID(at time: Timestamp) -> Identifier { Identifier(at: time, random: (entropy.word(), entropy.word())) }
    }

    let parts: Parts
    let throttle = SignInThrottle()
    let platformTokens: TokenFormat
    let invitations: TokenFormat
    let verifier: TokenVerifier

    package init(_ parts: Parts) throws {
        self.parts = parts
        platformTokens = try TokenFormat(prefix: "lkp-", keys: parts.keys)
        invitations = try TokenFormat(prefix: "lki-", keys: parts.keys)
        verifier = TokenVerifier(pool: parts.tokenArgon2, capacity: 10_000, entropy: parts.entropy)
    }

    // MARK: Accounts

    package func create(name: DisplayName, cap: CredentialCap) async throws -> Account {
        let account = newAccount(name, cap)
        try await parts.database.write { try AccountTable.insert(account, $0) }
        return account
    }

    package func list(_ page: Page) async throws -> Listing<Account> {
        try await parts.database.read { Listing(try AccountTable.page(page, $0), page, id: \.id) }
    }

    package func account(_ id: Identifier) async throws -> Account {
        guard let account = try await parts.database.read({ try AccountTable.find(id, $0) }) else {
            throw AccountsError.notFound
        }
        return account
    }

    /// A lower cap takes no key away; it only stops new ones.
    package func edit(_ id: Identifier, name: DisplayName?, cap: CredentialCap?) async throws -> Account {
        let now = parts.clock.now()
        return try await parts.database.write { connection in
            guard var account = try AccountTable.find(id, connection) else { throw AccountsError.notFound }
            account.name = name?.text ?? account.name
            account.cap = cap ?? account.cap
            account.updatedAt = now
            try AccountTable.update(account, connection)
            return account
        }
    }

    /// The cap of an account as the transaction of `connection` sees it.
    package static func cap(of account: Identifier, in connection: Connection) throws -> CredentialCap {
        guard let account = try AccountTable.find(account, connection) else { throw AccountsError.notFound }
        return account.cap
    }

    // MARK: The first admin

    package func isEmpty() async throws -> Bool { try await parts.database.read { try !UserTable.isAnyone($0) } }

    /// Creates an account and its root user with the admin flag. For the command line, which has the data directory in
    /// its hands already, and for first-run set-up.
    /// - Parameter onlyFirst: refuse when there is any user.
    package func createAdmin(
        email: EmailAddress, password: Password, accountName: DisplayName, onlyFirst: Bool
    ) async throws -> User {
        if onlyFirst, try await !isEmpty() { throw AccountsError.alreadySetUp }
        try password.check(email: email)
        let phc = try await parts.argon2.hash(password.secret)
        let account = newAccount(accountName, .standard)
        let user = newUser(email, in: account.id, isAdmin: true)
        return try await AccountsError.naming {
            try await parts.database.write { connection in
                if onlyFirst, try UserTable.isAnyone(connection) { throw AccountsError.alreadySetUp }
                try AccountTable.insert(account, connection)
                try UserTable.insert(user, phc, connection)
                return user
            }
        }
    }

    // MARK: Invitations

    /// Invites the root user of an account. An older invitation to the same address stops working.
    package func invite(_ email: EmailAddress, to account: Identifier) async throws -> (Invitation, Secret) {
        let minted = invitations.mint(parts.entropy)
        let now = parts.clock.now()
        let invitation = Invitation(
            id: parts.newID(at: now), account: account, email: email.text, expiresAt: now.adding(Invitation.lifetime))
        let digest = parts.keys.lookupDigest(of: minted.secret, purpose: "invitation")
        try await parts.database.write { connection in
            guard try AccountTable.find(account, connection) != nil else { throw AccountsError.notFound }
            guard try UserTable.find(email: email.text, connection) == nil else { throw AccountsError.emailTaken }
            try InvitationTable.replace(invitation, digest, now, connection)
        }
        return (invitation, minted.secret)
    }

    /// Uses an invitation up. The password is hashed only for one that is good, so a guess costs no Argon2.
    package func accept(invitation token: String, password: Password) async throws -> User {
        guard let presented = invitations.parse(token), invitations.isGenuine(presented) else {
            throw AccountsError.invitationInvalid
        }
        let digest = parts.keys.lookupDigest(of: Secret(token), purpose: "invitation")
        let now = parts.clock.now()
        guard let invitation = try await parts.database.read({ try InvitationTable.find(digest, now, $0) }),
            let email = EmailAddress(invitation.email)
        else { throw AccountsError.invitationInvalid }
        try password.check(email: email)
        let phc = try await parts.argon2.hash(password.secret)
        let user = newUser(email, in: invitation.account, isAdmin: false)
        return try await AccountsError.naming {
            try await parts.database.write { connection in
                guard try InvitationTable.delete(digest, now, connection) == 1 else {
                    throw AccountsError.invitationInvalid
                }
                try UserTable.insert(user, phc, connection)
                return user
            }
        }
    }

    private func newAccount(_ name: DisplayName, _ cap: CredentialCap) -> Account {
        let now = parts.clock.now()
        return Account(id: parts.newID(at: now), name: name.text, cap: cap, createdAt: now, updatedAt: now)
    }

    private func newUser(_ email: EmailAddress, in account: Identifier, isAdmin: Bool) -> User {
        let now = parts.clock.now()
        return User(id: parts.newID(at: now), account: account, email: email.text, isAdmin: isAdmin, createdAt: now)
    }
}

/// Why something about accounts and people can't be done as asked.
package enum AccountsError: Error, Sendable, Equatable {
    case notFound
    case alreadySetUp
    case emailTaken
    case invitationInvalid
    case signInFailed
    case tooManyAttempts(retryAfterSeconds: Int)
    case weakPassword(String)
    case expiryInPast
    case tokenLimitReached
    case adminScopes([Scope])

    /// The one unique column that a caller can collide on is the address.
    static func naming<T>(_ work: () async throws -> T) async throws -> T {
        do {
            return try await work()
        } catch DatabaseFailure.notUnique {
            throw AccountsError.emailTaken
        }
    }
}
