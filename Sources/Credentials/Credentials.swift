package import Accounts
package import Applications
package import Audit
import Catalog
package import Database
package import Policy
package import Secrets

/// Keys: minting them, telling a genuine one from a forged one, their terms, and their end.
///
/// A key belongs to one app of one account for ever. Its secret exists in the answer to its creation and, at rest, as
/// an Argon2id string; where its owner chose so, also as a copy sealed to the root users' keys, which nothing but their
/// passwords opens. This room owns the tables `credentials`, `retiring_secrets`, `sealed_copies` and `credential_days`.
/// It may not know how a key came in or what its call is for; that is the gateway's, and the order of the checks is
/// policy's.
///
/// A forged key costs microseconds: shape and checksum need no secret, the keyed tag no look-up, and only what has a
/// right tag ever meets the database or Argon2id. A genuine key costs one Argon2id in the life of the process; after
/// that a keyed digest in memory answers.
///
/// Each secret of a key has a public id of its own. So a secret that was rotated away is refused by one look-up,
/// without an Argon2id; its hint tells which of the two a program still uses; and each has its own last use.
package struct Credentials: Sendable {
    let database: Database
    let accounts: Accounts
    let applications: Applications
    let argon2: Argon2Pool
    let format: TokenFormat
    let entropy: Entropy
    let clock: Clock
    let verifier: TokenVerifier
    let records: ReadThrough<TokenID, KeyRecord>
    let uses = LastUses()

    /// - Parameter memory: how many keys are held in memory at most.
    package init(
        database: Database, accounts: Accounts, applications: Applications, argon2: Argon2Pool, format: TokenFormat,
        entropy: Entropy, clock: Clock, memory: Int = 100_000
    ) {
        self.database = database
        self.accounts = accounts
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
    package func verify(_ bearer: String, at now: Timestamp) async throws -> KeyRecord {
        guard let token = format.parse(bearer) else { throw Denial.invalidKey }
        let isKnown = verifier.recall(token) == true
        if isKnown, let record = records.held(token.id) { return try record.live(at: now) }
        guard isKnown || format.isGenuine(token) else { throw Denial.invalidKey }
        // Before its Argon2id, which a secret whose time is over is not worth.
        guard let record = try await records.value(token.id)?.live(at: now) else { throw Denial.invalidKey }
        if isKnown { return record }
        guard try await verifier.verify(token, against: record.phc) else { throw Denial.invalidKey }
        return record
    }

    /// Notes that a call of this secret was let through.
    package func noteUse(of record: KeyRecord, at now: Timestamp) { uses.note(record.key, now) }

    /// Writes down the last uses since the last time, and clears away secrets whose time is over. To be called every
    /// few seconds, and once at the end.
    package func recordUses() async throws {
        let latest = uses.take()
        let now = clock.now()
        do {
            try await database.write { connection in
                for (key, time) in latest {
                    try CredentialTable.noteUse(of: key, time, connection)
                    try RetiringSecretTable.noteUse(of: key, time, connection)
                }
                try RetiringSecretTable.deleteEnded(now, connection)
            }
            uses.wrote(true)
        } catch {
            uses.wrote(false)
            throw error
        }
    }

    // MARK: Creating

    /// Creates a key. The cap and the daily limit are decided in the transaction that inserts it, so no race gets past
    /// them; they are looked at before as well, so that a refused request costs no Argon2id.
    /// - Returns: the key, and its secret for the one answer that carries it.
    package func issue(
        _ draft: CredentialDraft, by user: User, _ origin: Origin
    ) async throws -> (Credential, Secret) {
        let now = clock.now()
        if draft.terms.expiresAt.isExpired(at: now) { throw CredentialsError.expiryInPast }
        try await database.read { try check(draft, user.account, now, $0) }
        let minted = format.mint(entropy)
        let phc = try await argon2.hash(minted.secret)
        let credential = Credential(
            id: Identifier(at: now, random: (entropy.word(), entropy.word())), creator: user.id, account: user.account,
            application: draft.application, name: draft.name.text, terms: draft.terms.withoutRepetitions,
            isEnabled: true,
            secret: KeySecret(minted, at: now), reveal: draft.isRevealable ? .available : .showOnce, reveals: 0,
            createdAt: now, updatedAt: now)
        let copies = draft.isRevealable ? try await copies(minted.secret, of: credential) : []
        try await database.write { connection in
            try check(draft, user.account, now, connection)
            try CredentialDayTable.countCreation(of: user.account, day: now.day, connection)
            try CredentialTable.insert(credential, phc, isRevealable: draft.isRevealable, connection)
            if draft.isRevealable { try insert(copies, of: minted.secret, credential, connection) }
            try origin.record(
                .credentialCreate, account: user.account, object: credential.id.description,
                detail: ["application_id": draft.application.description, "name": draft.name.text], at: now,
                in: connection)
        }
        verifier.remember(minted.presented)
        return (credential, minted.secret)
    }

    private func check(
        _ draft: CredentialDraft, _ account: Identifier, _ now: Timestamp, _ connection: Connection
    ) throws {
        let today = try CredentialDayTable.counts(of: account, day: now.day, connection)
        let owner = try Accounts.account(account, in: connection)
        let refusal = Policy.mayCreate(
            live: try CredentialTable.countLive(of: account, now, connection), cap: owner.cap,
            createdToday: today.created)
        try Self.checkGroup(draft.terms.group, of: owner, connection)
        guard let app = try Applications.application(draft.application, of: account, in: connection) else {
            throw CredentialsError.noSuchApplication
        }
        try Self.checkModels(draft.terms.models, app.rules)
        if draft.isRevealable { try Self.checkRevealable(owner, connection) }
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

    /// A model that the app may not use would be a term that allows nothing.
    private static func checkModels(_ models: [String]?, _ app: AppRules) throws {
        if let index = (models ?? []).firstIndex(where: { !app.allowedModels.contains($0) }) {
            throw CredentialsError.modelNotOfApplication(index: index)
        }
    }

    // MARK: Editing

    /// Binds the very next call. What brings a key back that holds no slot, or that was switched off while the cap was
    /// lowered, needs a slot as a new key does.
    package func edit(
        _ id: Identifier, of account: Identifier, _ edit: CredentialEdit, by origin: Origin
    ) async throws -> Credential {
        let now = clock.now()
        if case .some(let expiry) = edit.expiresAt, expiry.isExpired(at: now) { throw CredentialsError.expiryInPast }
        let credential = try await database.write { connection in
            let old = try find(id, of: account, now, connection)
            var new = old
            edit.apply(to: &new)
            new.updatedAt = now
            let owner = try Accounts.account(account, in: connection)
            if new.terms.group != old.terms.group { try Self.checkGroup(new.terms.group, of: owner, connection) }
            if case .some(.some) = edit.models {
                let app = try Applications.application(old.application, of: account, in: connection)
                if let app { try Self.checkModels(new.terms.models, app.rules) }
            }
            new.terms = new.terms.withoutRepetitions
            if new.isRevived(from: old, at: now) { try Self.checkSlot(for: old, owner, now, connection) }
            try CredentialTable.update(new, connection)
            try Self.record(edit, of: old, origin, now, connection)
            return new
        }
        forgetRecords(of: credential)
        return withLatestUse(credential)
    }

    private static func checkSlot(
        for old: Credential, _ owner: Account, _ now: Timestamp, _ connection: Connection
    ) throws {
        let live = try CredentialTable.countLive(of: owner.id, now, connection)
        let others = old.terms.expiresAt.isExpired(at: now) ? live : live - 1
        // The day's creations are not at stake: nothing is created.
        if case .capReached(let cap) = Policy.mayCreate(live: others, cap: owner.cap, createdToday: 0) {
            throw CredentialsError.capReached(cap.value)
        }
    }

    /// To switch a key off and on are acts of their own; a request that does more than that leaves two entries.
    private static func record(
        _ edit: CredentialEdit, of old: Credential, _ origin: Origin, _ now: Timestamp, _ connection: Connection
    ) throws {
        let object = old.id.description
        if !edit.detail.isEmpty {
            try origin.record(
                .credentialEdit, account: old.account, object: object, detail: edit.detail, at: now, in: connection)
        }
        if let isEnabled = edit.isEnabled, isEnabled != old.isEnabled {
            try origin.record(
                isEnabled ? .credentialEnable : .credentialDisable, account: old.account, object: object, at: now,
                in: connection)
        }
    }

    /// What bounds a call.
    package struct Limits: Sendable {
        package let key: Credits?
        package let month: Credits?
        package let isDisabled: Bool
    }

    /// What a key may use at most, as the transaction of `connection` sees it; `nil` when there is no such live key.
    package static func limits(
        of credential: Identifier, account: Identifier, in connection: Connection
    ) throws -> Limits? {
        try CredentialTable.limits(of: credential, account: account, connection)
    }

    // MARK: Reading and deleting

    package func list(
        of account: Identifier, application: Identifier?, _ page: Page
    ) async throws -> Listing<Credential> {
        let now = clock.now()
        let listing = try await database.read { [format] connection in
            let found = try CredentialTable.page(
                of: account, application: application, page, now, format, connection)
            return Listing(found, page, id: \.id)
        }
        return Listing(listing.items.map(withLatestUse), next: listing.next)
    }

    package func find(_ id: Identifier, of account: Identifier) async throws -> Credential {
        let now = clock.now()
        return withLatestUse(
            try await database.read { try find(id, of: account, now, $0) })
    }

    func find(
        _ id: Identifier, of account: Identifier, _ now: Timestamp, _ connection: Connection
    ) throws -> Credential {
        guard let found = try CredentialTable.find(id, of: account, now, format, connection) else {
            throw CredentialsError.notFound
        }
        return found
    }

    /// With the uses that are not written down yet.
    func withLatestUse(_ credential: Credential) -> Credential {
        var credential = credential
        credential.secret.lastUsedAt = later(credential.secret)
        if let old = credential.retiring { credential.retiring?.lastUsedAt = later(old) }
        return credential
    }

    private func later(_ secret: KeySecret) -> Timestamp? {
        [secret.lastUsedAt, uses.latest(of: secret.key)].compactMap(\.self).max()
    }

    /// Ends a key for ever. When this returns, the next call with it is refused.
    package func delete(_ id: Identifier, of account: Identifier, by origin: Origin) async throws {
        let now = clock.now()
        let credential = try await database.write { connection in
            let credential = try find(id, of: account, now, connection)
            try Self.delete(credential, origin, now, connection)
            return credential
        }
        forget(credential)
    }

    private static func delete(
        _ credential: Credential, _ origin: Origin, _ now: Timestamp, _ connection: Connection
    ) throws {
        try CredentialTable.delete(credential, now, connection)
        try origin.record(
            .credentialDelete, account: credential.account, object: credential.id.description, at: now,
            in: connection)
    }

    /// Deletes an app and, if that was confirmed, its keys with it, in one transaction.
    package func deleteApplication(
        _ id: Identifier, of account: Identifier, andCredentials isConfirmed: Bool, by origin: Origin
    ) async throws {
        let now = clock.now()
        let credentials = try await database.write { connection in
            guard try Applications.application(id, of: account, in: connection) != nil else {
                throw ApplicationsError.notFound
            }
            let credentials = try CredentialTable.all(of: account, application: id, now, format, connection)
            if !credentials.isEmpty, !isConfirmed {
                throw CredentialsError.confirmationRequired(keys: credentials.count)
            }
            for credential in credentials { try Self.delete(credential, origin, now, connection) }
            try applications.remove(id, of: account, by: origin, in: connection)
            return credentials
        }
        credentials.forEach(forget)
        applications.forget(id)
    }

    /// Whether a text has a key of this deployment in it, real or not. Names and remarks are shown and recorded.
    package func isKeyIn(_ text: String) -> Bool {
        var scanner = TokenScanner([format.shape])
        return !scanner.scan(Array(text.utf8)).isEmpty
    }

    // MARK: Memory

    /// What is known of a key's terms. Its secrets stay known.
    func forgetRecords(of credential: Credential) {
        for secret in [credential.secret, credential.retiring].compactMap(\.self) { records.invalidate(secret.key) }
    }

    private func forget(_ credential: Credential) {
        for secret in [credential.secret, credential.retiring].compactMap(\.self) { forget(secret.key) }
    }

    func forget(_ key: TokenID) {
        records.invalidate(key)
        verifier.forget(id: key)
    }
}

extension Credential {
    /// Whether it may work now and might not have before.
    fileprivate func isRevived(from old: Credential, at now: Timestamp) -> Bool {
        func works(_ credential: Credential) -> Bool {
            credential.isEnabled && !credential.terms.expiresAt.isExpired(at: now)
        }
        let holdsSlotAnew = old.terms.expiresAt.isExpired(at: now) && !terms.expiresAt.isExpired(at: now)
        return holdsSlotAnew || (works(self) && !works(old))
    }
}

extension KeySecret {
    init(_ minted: MintedToken, at now: Timestamp) {
        self.init(key: minted.id, hint: minted.hint, createdAt: now, endsAt: nil)
    }
}
