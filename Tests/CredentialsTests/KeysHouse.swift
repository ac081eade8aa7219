import Accounts
import Applications
import Catalog
import Credentials
import Database
import Foundation
import Policy
import Secrets
import Synchronization
import TestSupport
import Values

@testable import Audit

/// Everything that keys need, over a database file of its own, at noon of a day in June. Goes, with its folder,
/// when the suite that holds it goes.
final class KeysHouse: Sendable {
    /// 2026-06-01T12:00:00Z
    static let noon = Timestamp(microseconds: 1_780_315_200_000_000)

    let folder = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)").path
    let hand = HandClock(noon)
    let database: Database
    let accounts: Accounts
    let catalog: Catalog
    let applications: Applications
    let credentials: Credentials
    let audit: Audit
    /// The root user of the first account.
    let ada: User
    /// An app of hers.
    let cat: Application

    init() async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try Self.open(folder, hand)
        accounts = try Self.accounts(over: database, hand)
        catalog = Catalog(
            database: database, sealing: Self.keys.sealing, generations: Generations(), entropy: .system,
            clock: hand.clock)
        applications = Applications(database: database, generations: Generations(), entropy: .system, clock: hand.clock)
        credentials = try Self.credentials(over: database, hand, accounts, applications)
        audit = Audit(database: database, chain: Self.keys.auditChain, entropy: .system)
        ada = try await accounts.createAdmin(
            email: good("ada@example.com"), password: good("seven green boats at dawn"), accountName: good("Ada"),
            onlyFirst: true, by: .test)
        cat = try await applications.create(Self.draft("Cat"), in: ada.account, by: .test)
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Parts

    static let keys = DeploymentSecrets(master: Secret("master"), pepper: Secret("pepper"))

    static func open(_ folder: String, _ hand: HandClock) throws -> Database {
        try Database(
            path: folder + "/latchkey.db",
            migrations: Audit.migrations + Catalog.migrations + Accounts.migrations + Applications.migrations
                + Credentials.migrations,
            clock: hand.clock)
    }

    static func accounts(over database: Database, _ hand: HandClock) throws -> Accounts {
        try Accounts(
            Accounts.Parts(
                database: database, keys: keys, argon2: TestPool.shared, tokenArgon2: TestPool.shared,
                sessions: Accounts.SessionLimits(idle: .seconds(1800), absolute: .seconds(36_000)),
                generations: Generations(), entropy: .system,
                clock: hand.clock))
    }

    static func credentials(
        over database: Database, _ hand: HandClock, _ accounts: Accounts, _ applications: Applications,
        pool: Argon2Pool = TestPool.shared
    ) throws -> Credentials {
        Credentials(
            database: database, accounts: accounts, applications: applications, argon2: pool,
            format: try TokenFormat(prefix: "sk-", keys: keys), generations: Generations(), entropy: .system,
            clock: hand.clock)
    }

    /// Keys as after a restart: the same file, nothing in memory.
    func restarted(pool: Argon2Pool = TestPool.shared) throws -> Credentials {
        try Self.credentials(
            over: database, hand, accounts,
            Applications(database: database, generations: Generations(), entropy: .system, clock: hand.clock),
            pool: pool)
    }

    // MARK: Steps

    static func draft(_ name: String, prompt: String? = nil) throws -> ApplicationDraft {
        ApplicationDraft(
            name: try good(name),
            chat: try ChatSettings(
                model: good("echo"), allowedModels: nil, systemPrompt: prompt.map { try good($0) }, parameters: .none))
    }

    func app(_ name: String, of user: User) async throws -> Application {
        try await applications.create(Self.draft(name), in: user.account, by: .test)
    }

    /// Another tenant.
    func bob() async throws -> User {
        let account = try await accounts.create(AccountDraft(name: good("Bob"), cap: .standard), by: .test)
        let (_, token) = try await accounts.invite(
            good("bob@example.com"), as: .root, to: account.id, for: ada, by: .test)
        return try await accounts.accept(
            invitation: token.exposed(), password: good("eight blue kites at noon"), by: .test)
    }

    func cap(_ value: Int) async throws {
        var edit = AccountEdit()
        edit.cap = CredentialCap(value)
        _ = try await accounts.edit(ada.account, edit, by: .test)
    }

    /// One key of hers for an app, the cat's unless told.
    func issue(
        for app: Application? = nil, until expiry: Timestamp? = nil, with credentials: Credentials? = nil
    ) async throws -> (credential: Credential, key: String) {
        let draft = CredentialDraft(application: (app ?? cat).id, name: .empty, terms: KeyTerms(expiresAt: expiry))
        let (credential, secret) = try await (credentials ?? self.credentials).issue(draft, by: ada, .test)
        return (credential, secret.exposed())
    }

    func delete(_ credential: Credential) async throws {
        try await credentials.delete(credential.id, of: credential.account, by: .test)
    }

    /// Whether a key is one that lives.
    func opens(_ key: String, with credentials: Credentials? = nil) async throws -> Bool {
        do {
            _ = try await (credentials ?? self.credentials).verify(key, at: hand.now)
            return true
        } catch Denial.invalidKey {
            return false
        }
    }

    /// Whether any file of the database has this text in it.
    func isOnDisk(_ text: String) throws -> Bool {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        precondition(names.contains("latchkey.db"))
        return try names.contains { name in
            try Data(contentsOf: URL(filePath: folder + "/" + name)).range(of: Data(text.utf8)) != nil
        }
    }
}
