package import Accounts
package import Applications
import Catalog
package import Database
package import Policy
package import Secrets

/// Keys: minting them, telling a genuine one from a forged one, and their end.
///
/// A key belongs to one app of one account for ever. Its secret exists in the answer to its creation and, at rest, as an
/// Argon2id string; nothing here can give it back. This room owns the tables `credentials` and `credential_days`. It may
/// not know how a key came in or what its call is for; that is the gateway's, and the order of the checks is policy's.
///
/// A forged key costs microseconds: shape and checksum need no secret, the keyed tag no look-up, and only what has a
/// right tag ever meets the database or Argon2id. A genuine key costs one Argon2id in the life of the process; after
/// that a keyed digest in memory answers.
package struct Credentials: Sendable {
    let database: Database
    let applications: Applications
    let argon2: Argon2Pool
    let format: TokenFormat
    let entropy: Entropy
    let clock: Clock
    private let verifier: TokenVerifier
    private let records: ReadThrough<TokenID, KeyRecord>

    /// - Parameter memory: how many keys are held in memory at most.
    package init(
        database: Database, applications: Applications, argon2: Argon2Pool, format: TokenFormat, entropy: Entropy,
        clock: Clock, memory: Int = 100_000
    ) {
        self.database = database
        self.applications = applications
        self.argon2 = argon2
        self.format = format
        self.entropy = entropy
        self.clock = clock
        verifier = TokenVerifier(pool: argon2, capacity: memory, entropy: entropy)
        records = ReadThrough(capacity: memory) { id in try await database.read { try CredentialTable.record(id, $0) } }
    }

    // MARK: Checking

    /// Finds the live key that a bearer token is.
    /// - Throws: ``Denial/invalidKey`` for whatever is not a live key, without a hint why; failures of the pool or the
    ///   database as they are.
    package func verify(_ bearer: String) async throws -> KeyRecord {
        guard let token = format.parse(bearer) else { throw Denial.invalidKey }
        let isKnown = verifier.recall(token) == true
        if isKnown, let record = records.held(token.id) { return record }
        guard isKnown || format.isGenuine(token) else { throw Denial.invalidKey }
        guard let record = try await records.value(token.id) else { throw Denial.invalidKey }
        if isKnown { return record }
        guard try await verifier.verify(token, against: record.phc) else { throw Denial.invalidKey }
        return record
    }

    // MARK: Creating

    /// Creates a key. The cap and the daily limit are decided in the transaction that inserts it, so no race gets past
    /// them; they are looked at before as well, so that a refused request costs no Argon2id.
    /// - Returns: the key, and its secret for the one answer that carries it.
    package func issue(_ draft: CredentialDraft, by user: User) async throws -> (Credential, Secret) {
        let now = clock.now()
        if draft.terms.expiresAt.isExpired(at: now) { throw CredentialsError.expiryInPast }
        try await database.read { try Self.check(draft, user.account, now, $0) }
        let minted = format.mint(entropy)
        let phc = try await argon2.hash(minted.secret)
        let credential = Credential(
            id: Identifier(at: now, random: (entropy.word(), entropy.word())), creator: user.id, account: user.account,
            application: draft.application, name: draft.name.text, hint: minted.hint, terms: draft.terms,
            createdAt: now, updatedAt: now)
        try await database.write { connection in
            try Self.check(draft, user.account, now, connection)
            try CredentialDayTable.countCreation(of: user.account, day: now.day, connection)
            try CredentialTable.insert(credential, minted.id, phc, connection)
        }
        verifier.remember(minted.presented)
        return (credential, minted.secret)
    }

    private static func check(
        _ draft: CredentialDraft, _ account: Identifier, _ now: Timestamp, _ connection: Connection
    ) throws {
        let today = try CredentialDayTable.created(by: account, day: now.day, connection)
        let owner = try Accounts.account(account, in: connection)
        let refusal = Policy.mayCreate(
            live: try CredentialTable.countLive(of: account, now, connection), cap: owner.cap,
            createdToday: today.count)
        try checkGroup(draft.terms.group, of: owner, connection)
        guard try Applications.exists(draft.application, of: account, in: connection) else {
            throw CredentialsError.noSuchApplication
        }
        switch refusal {
        case .capReached(let cap): throw CredentialsError.capReached(cap.value)
        case .dailyLimitReached(let limit):
            throw CredentialsError.dailyLimitReached(
                limit, retryAfterSeconds: Int(now.seconds(toEndOf: today.day)))
        case nil: break
        }
    }

    private static func checkGroup(_ group: String?, of owner: Account, _ connection: Connection) throws {
        guard let group else { return }
        guard owner.usableGroups.contains(group), try Catalog.isChoosable(group, in: connection) else {
            throw CredentialsError.unknownGroup
        }
    }

    // MARK: Editing

    /// Binds the very next call. A new expiry that brings an expired key back needs a slot, as a new key does.
    package func edit(
        _ id: Identifier, of account: Identifier, _ edit: CredentialEdit
    ) async throws -> Credential {
        let now = clock.now()
        if case .some(let expiry) = edit.expiresAt, expiry.isExpired(at: now) { throw CredentialsError.expiryInPast }
        let (credential, key) = try await database.write { [format] connection in
            guard let old = try CredentialTable.find(id, of: account, format, connection) else {
                throw CredentialsError.notFound
            }
            var new = old
            edit.apply(to: &new)
            new.updatedAt = now
            let owner = try Accounts.account(account, in: connection)
            if new.terms.group != old.terms.group { try Self.checkGroup(new.terms.group, of: owner, connection) }
            if old.terms.expiresAt.isExpired(at: now), !new.terms.expiresAt.isExpired(at: now) {
                let live = try CredentialTable.countLive(of: account, now, connection)
                // The day's creations are not at stake: nothing is created.
                if case .capReached(let cap) = Policy.mayCreate(live: live, cap: owner.cap, createdToday: 0) {
                    throw CredentialsError.capReached(cap.value)
                }
            }
            guard let key = try CredentialTable.update(new, connection) else { throw CredentialsError.notFound }
            return (new, key)
        }
        records.invalidate(key)
        return credential
    }

    /// What a key may use at most, as the transaction of `connection` sees it; `nil` when there is no such live key.
    package static func limits(
        of credential: Identifier, account: Identifier, in connection: Connection
    ) throws -> (key: Credits?, month: Credits?)? {
        try CredentialTable.limits(of: credential, account: account, connection)
    }

    // MARK: Reading and deleting

    package func list(
        of account: Identifier, application: Identifier?, _ page: Page
    ) async throws -> Listing<Credential> {
        try await database.read { [format] in
            Listing(
                try CredentialTable.page(of: account, application: application, page, format, $0), page, id: \.id)
        }
    }

    package func find(_ id: Identifier, of account: Identifier) async throws -> Credential {
        let found = try await database.read { [format] in try CredentialTable.find(id, of: account, format, $0) }
        guard let found else { throw CredentialsError.notFound }
        return found
    }

    /// Ends a key for ever. When this returns, the next call with it is refused.
    package func delete(_ id: Identifier, of account: Identifier) async throws {
        let now = clock.now()
        guard let key = try await database.write({ try CredentialTable.delete(id, of: account, now, $0) }) else {
            throw CredentialsError.notFound
        }
        forget([key])
    }

    /// Deletes an app and, if that was confirmed, its keys with it, in one transaction.
    package func deleteApplication(
        _ id: Identifier, of account: Identifier, andCredentials isConfirmed: Bool
    ) async throws {
        let now = clock.now()
        let keys = try await database.write { [applications] connection in
            guard try Applications.exists(id, of: account, in: connection) else { throw ApplicationsError.notFound }
            let kept = try CredentialTable.count(of: account, application: id, connection)
            if kept > 0, !isConfirmed { throw CredentialsError.confirmationRequired(keys: kept) }
            let keys = try CredentialTable.deleteAll(of: account, application: id, now, connection)
            guard try applications.remove(id, of: account, in: connection) else { throw ApplicationsError.notFound }
            return keys
        }
        forget(keys)
        applications.forget(id)
    }

    private func forget(_ keys: [TokenID]) {
        for key in keys {
            records.invalidate(key)
            verifier.forget(id: key)
        }
    }
}

/// Why something about keys can't be done as asked.
package enum CredentialsError: Error, Sendable, Equatable {
    case notFound
    case noSuchApplication
    case expiryInPast
    case unknownGroup
    case capReached(Int)
    case dailyLimitReached(Int, retryAfterSeconds: Int)
    /// The app still has this many keys, live or expired.
    case confirmationRequired(keys: Int)
}
