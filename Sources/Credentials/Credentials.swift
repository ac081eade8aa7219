package import Accounts
package import Applications
import Audit
import Catalog
package import Database
import Policy
package import Secrets
package import Values

/// Keys: creating them, telling genuine ones from forged ones, their terms, and their end.
///
/// A key belongs to one app of one account for ever. Its secret is in the answer to its creation and is stored as an
/// Argon2id string. If the owner chose so, a copy is stored too, sealed to the root users' keys. Only their passwords
/// open it. This room owns the tables `credentials`, `retiring_secrets`, `sealed_copies` and `credential_days`. It may
/// not know how a key came in or what its call is for; that is the gateway's, and the order of the checks is policy's.
///
/// A forged key costs microseconds: its form and checksum are checked without a secret, its keyed tag without a
/// look-up. Only a key with a right tag gets to the database and to Argon2id. A genuine key costs one Argon2id in the
/// life of the process. After that, a keyed digest in memory answers.
///
/// Each secret of a key has a public id of its own. So a secret that was rotated away is refused by one look-up,
/// without an Argon2id; its hint tells which of the two a program still uses; and each has its own last use.
package struct Credentials: Sendable {
    let database: Database
    let accounts: Accounts
    let applications: Applications
    let argon2: Argon2Pool
    let format: TokenFormat
    let generations: Generations
    let entropy: Entropy
    let clock: Clock
    let verifier: TokenVerifier
    let records: ReadThrough<TokenID, KeyRecord>
    let uses = LastUses()

    /// - Parameter memory: how many keys are held in memory at most.
    package init(
        database: Database, accounts: Accounts, applications: Applications, argon2: Argon2Pool, format: TokenFormat,
        generations: Generations, entropy: Entropy, clock: Clock, memory: Int = 100_000
    ) {
        self.database = database
        self.accounts = accounts
        self.applications = applications
        self.argon2 = argon2
        self.format = format
        self.generations = generations
        self.entropy = entropy
        self.clock = clock
        verifier = TokenVerifier(pool: argon2, capacity: memory, entropy: entropy)
        records = ReadThrough(capacity: memory) { id in try await database.read { try CredentialTable.record(id, $0) } }
    }

    /// What can be told of a key of this deployment without any secret.
    package var shape: TokenShape { format.shape }

    // MARK: Checking

    /// The public id of a secret that is known to be genuine; `nil` for one that has to be checked. From memory, so it may
    /// be asked on an event loop. Says nothing about the key: that is to be found under the id.
    package func recall(_ bearer: String) -> TokenID? {
        guard let token = format.parse(bearer), verifier.recall(token) == true else { return nil }
        return token.id
    }

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
        guard try await verifier.verify(token, against: record.phc, for: .account(record.account)) else {
            throw Denial.invalidKey
        }
        return record
    }

    /// Notes that a call of this secret was let through.
    package func noteUse(of record: KeyRecord, at now: Timestamp) { uses.note(record.secretID, now) }

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

    /// Whether a text has a key of this deployment in it, real or not. Names and remarks are shown and recorded.
    package func isKeyIn(_ text: String) -> Bool {
        var scanner = TokenScanner([format.shape])
        return !scanner.scan(Array(text.utf8)).isEmpty
    }

    // MARK: Memory

    /// To be called after the commit of a change of a key and before its answer.
    /// - Parameters:
    ///   - old: as it was before; what is known of its terms is forgotten.
    ///   - ended: the secrets of it that open nothing any more.
    func forget(_ old: Credential, ended: [KeySecret?] = []) {
        for secret in [old.secret, old.retiring].compactMap(\.self) { records.invalidate(secret.id) }
        for secret in ended.compactMap(\.self) { verifier.forget(id: secret.id) }
        // After the memory: whoever takes the new stamp must not be told the old state.
        generations.changed(old.account)
    }

    func forgetDeleted(_ credential: Credential) {
        forget(credential, ended: [credential.secret, credential.retiring])
    }
}
