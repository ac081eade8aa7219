package import Audit
import Catalog
package import Database
import Policy
package import Secrets
package import Values

/// Tenants, the people in them, and the ways they prove who they are.
///
/// An account is a tenant. A user is a person who signs in to one account: a root user manages it, a member only reads.
/// Some users are admins: they operate the deployment. This room owns accounts, users, invitations, sessions, second
/// factors, password resets and platform tokens, and the tables of these names. It must not know an app or a key.
///
/// How each secret is stored: passwords and platform tokens as Argon2id, because they live long. Session tokens,
/// invitations, resets and recovery codes as a keyed digest, because they are random and are looked up by their value.
/// The secret of a second factor is sealed, because it must be read again. Each user has a key pair for revealing API
/// keys. Its private key is locked with the user's password, so that nobody opens the sealed copies without the
/// password.
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
        let keys: DeploymentSecrets
        let argon2: Argon2Pool
        let tokenArgon2: Argon2Pool
        let sessions: SessionLimits
        let entropy: Entropy
        let clock: Clock

        /// - Parameters:
        ///   - argon2: for what anybody can ask for, such as a sign-in.
        ///   - tokenArgon2: for checking tokens. Apart from the other, so that a flood of sign-ins holds nobody's tools
        ///     up.
        package init(
            database: Database, keys: DeploymentSecrets, argon2: Argon2Pool, tokenArgon2: Argon2Pool,
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
    /// Wrong codes, for each user from wherever: only who has the password gets as far as that.
    let codeThrottle = SignInThrottle()
    let platformTokens: TokenFormat
    let invitations: TokenFormat
    let resets: TokenFormat
    let verifier: TokenVerifier
    /// A hash for users who don't exist, as text: what is read for those who do is one too.
    let decoy: String
    private let held: ReadThrough<Identifier, Account>

    package init(_ parts: Parts) throws {
        self.parts = parts
        platformTokens = try TokenFormat(prefix: TokenKind.platformToken.prefix, keys: parts.keys)
        invitations = try TokenFormat(prefix: TokenKind.invitation.prefix, keys: parts.keys)
        resets = try TokenFormat(prefix: TokenKind.passwordReset.prefix, keys: parts.keys)
        held = ReadThrough(capacity: 20_000) { [database = parts.database] id in
            try await database.read { try AccountTable.find(id, $0) }
        }
        decoy = parts.argon2.decoy.text
        verifier = TokenVerifier(pool: parts.tokenArgon2, capacity: 10_000, entropy: parts.entropy)
    }

    // MARK: Accounts

    package func create(_ draft: AccountDraft, by author: Author) async throws -> Account {
        let account = newAccount(draft)
        try await parts.database.write { connection in
            try Self.check(defaultGroup: draft.defaultGroup, draft.groups, before: nil, connection)
            try AccountTable.insert(account, connection)
            try Self.record(account, author, connection)
        }
        return account
    }

    static func record(_ account: Account, _ author: Author, _ connection: Connection) throws {
        try author.record(
            .accountCreate, account: account.id, object: account.id.description,
            detail: [
                "name": account.name, "credential_cap": String(account.cap.value),
                "default_group": account.defaultGroup, "groups": account.groups.joined(separator: " "),
            ], at: account.createdAt, in: connection)
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

    /// Binds the very next call. A lower cap takes no key away; it only stops new ones.
    package func edit(_ id: Identifier, _ edit: AccountEdit, by author: Author) async throws -> Account {
        let now = parts.clock.now()
        let account = try await parts.database.write { connection in
            guard let old = try AccountTable.find(id, connection) else { throw AccountsError.notFound }
            var account = old
            account.name = edit.name?.text ?? account.name
            account.cap = edit.cap ?? account.cap
            account.defaultGroup = edit.defaultGroup?.text ?? account.defaultGroup
            account.groups = Self.groups(edit.groups?.map(\.text) ?? account.groups, besides: account.defaultGroup)
            account.isSuspended = edit.isSuspended ?? account.isSuspended
            account.updatedAt = now
            try Self.check(defaultGroup: edit.defaultGroup, edit.groups, before: old, connection)
            try AccountTable.update(account, connection)
            try Self.record(edit, of: old, author, now, connection)
            return account
        }
        held.invalidate(id)
        return account
    }

    /// To suspend and to resume are acts of their own; a request that does more than that leaves two entries.
    private static func record(
        _ edit: AccountEdit, of old: Account, _ author: Author, _ now: Timestamp, _ connection: Connection
    ) throws {
        func record(_ action: AuditEntry.Action, _ detail: [String: String]) throws {
            try author.record(
                action, account: old.id, object: old.id.description, detail: detail, at: now, in: connection)
        }
        if !edit.detail.isEmpty { try record(.accountEdit, edit.detail) }
        if let isSuspended = edit.isSuspended, isSuspended != old.isSuspended {
            try record(isSuspended ? .accountSuspend : .accountResume, [:])
        }
    }

    /// Each once, without the default, in order.
    private static func groups(_ names: [String], besides defaultGroup: String) -> [String] {
        Set(names).subtracting([defaultGroup]).sorted()
    }

    /// What is newly given must be there and not retired; what was had already stays.
    /// - Parameter given: in the order of the request, for the error to point into.
    private static func check(
        defaultGroup: GroupName?, _ given: [GroupName]?, before old: Account?, _ connection: Connection
    ) throws {
        func isFine(_ group: GroupName) throws -> Bool {
            try old?.usableGroups.contains(group.text) == true || Catalog.isChoosable(group.text, in: connection)
        }
        if let defaultGroup, defaultGroup.text != old?.defaultGroup,
            try !Catalog.isChoosable(defaultGroup.text, in: connection)
        {
            throw AccountsError.unknownGroup(field: "default_group")
        }
        for (index, group) in (given ?? []).enumerated() where try !isFine(group) {
            throw AccountsError.unknownGroup(field: "groups[\(index)]")
        }
    }

    /// What a call needs of an account: from memory once it was read, never older than the last edit.
    package func opened(_ id: Identifier) async throws -> Account? { try await held.value(id) }

    /// Whether an account is suspended as the transaction of `connection` sees it; `nil` when there is none.
    package static func isSuspended(_ id: Identifier, in connection: Connection) throws -> Bool? {
        try AccountTable.isSuspended(id, connection)
    }

    /// Whether there is such an account, as the transaction of `connection` sees it.
    package static func exists(_ id: Identifier, in connection: Connection) throws -> Bool {
        try AccountTable.isSuspended(id, connection) != nil
    }

    /// The account as the transaction of `connection` sees it.
    package static func account(_ id: Identifier, in connection: Connection) throws -> Account {
        guard let account = try AccountTable.find(id, connection) else { throw AccountsError.notFound }
        return account
    }

    /// Says whether the account's keys may be shown again. For the floor above, which owns the copies.
    package static func allowRevealableKeys(
        _ isAllowed: Bool, in account: Identifier, at now: Timestamp, _ connection: Connection
    ) throws -> Account {
        var account = try self.account(account, in: connection)
        account.allowsRevealableKeys = isAllowed
        account.updatedAt = now
        try AccountTable.update(account, connection)
        return account
    }

    /// To be called after the commit of a change that another floor has made.
    package func forget(_ account: Identifier) { held.invalidate(account) }

    // MARK: New ones

    func newAccount(_ draft: AccountDraft) -> Account {
        let now = parts.clock.now()
        let group = draft.defaultGroup?.text ?? PricingGroup.standard
        return Account(
            id: parts.newID(at: now), name: draft.name.text, cap: draft.cap, defaultGroup: group,
            groups: Self.groups(draft.groups.map(\.text), besides: group), isSuspended: false,
            allowsRevealableKeys: true, createdAt: now, updatedAt: now)
    }
}
