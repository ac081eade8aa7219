import Accounts
import Catalog
import Database
import Foundation
import Policy
import Secrets
import Synchronization
import TestSupport
import Values

@testable import Audit

/// Accounts over a database file of their own, at noon of a day in June. Goes, with its folder, when the suite
/// that holds it goes.
final class AccountsHouse: Sendable {
    static let keys = DeploymentSecrets(master: Secret("master"), pepper: Secret("pepper"))
    static let idle: Duration = .seconds(1800)
    static let absolute: Duration = .seconds(36_000)

    let folder = FileManager.default.temporaryDirectory.appending(path: "accounts-\(UUID().uuidString)").path
    let hand = HandClock(Timestamp(microseconds: 1_780_315_200_000_000))
    let database: Database
    let accounts: Accounts
    let audit: Audit

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try Database(
            path: folder + "/latchkey.db", migrations: Audit.migrations + Catalog.migrations + Accounts.migrations,
            clock: hand.clock)
        accounts = try Self.accounts(over: database, hand, TestPool.shared)
        audit = Audit(database: database, chain: Self.keys.auditChain, entropy: .system)
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    static func accounts(
        over database: Database, _ hand: HandClock, _ pool: Argon2Pool, pepper: String = "pepper"
    ) throws -> Accounts {
        try Accounts(
            Accounts.Parts(
                database: database, keys: DeploymentSecrets(master: Secret("master"), pepper: Secret(pepper)),
                argon2: pool, tokenArgon2: pool,
                sessions: Accounts.SessionLimits(idle: idle, absolute: absolute), generations: Generations(),
                entropy: .system, clock: hand.clock))
    }

    /// An account and its root user with the admin flag.
    func admin(_ email: String = "ada@example.com", password: String = goodPassword) async throws -> User {
        try await accounts.createAdmin(
            email: good(email), password: good(password), accountName: good("Operators"), onlyFirst: false, by: .test)
    }

    /// An account and its root user, who is no admin.
    func user(_ email: String = "bob@example.com") async throws -> User {
        let account = try await accounts.create(AccountDraft(name: good("Tenant"), cap: .standard), by: .test)
        let (_, token) = try await accounts.invite(good(email), as: .root, to: account.id, for: .operator, by: .test)
        return try await accounts.accept(invitation: token.exposed(), password: good(goodPassword), by: .test)
    }

    func signIn(
        _ email: String = "ada@example.com", _ password: String = goodPassword, from peer: String = "192.0.2.1"
    ) async throws -> (Actor, Secret) {
        try await accounts.signIn(
            email: good(email), Proof(password: good(password), code: nil), from: IPAddress(peer), by: .test)
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

let goodPassword = "seven green boats at dawn"
