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

import struct Applications.Application

@testable import Audit
@testable import Metering

/// Everything that credits need, over a database file of its own, at noon of a day in June. Goes, with its folder, when
/// the suite that holds it goes.
final class MeteringHouse: Sendable {
    static let noon = Timestamp(rfc3339: "2026-06-10T12:00:00Z")!
    static let keys = DeploymentSecrets(master: Secret("master"), pepper: Secret("pepper"))

    let folder = FileManager.default.temporaryDirectory.appending(path: "metering-\(UUID().uuidString)").path
    let hand = HandClock(noon)
    let generations = Generations()
    let database: Database
    let accounts: Accounts
    let catalog: Catalog
    let applications: Applications
    let credentials: Credentials
    let metering: Metering
    let audit: Audit
    /// The root user of the first account.
    let ada: User
    /// An app of hers.
    let app: Application

    init() async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try Self.open(folder, hand.clock)
        let argon2 = TestPool.shared
        accounts = try Accounts(
            Accounts.Parts(
                database: database, keys: Self.keys, argon2: argon2, tokenArgon2: argon2,
                sessions: Accounts.SessionLimits(idle: .seconds(1800), absolute: .seconds(36_000)),
                generations: generations, entropy: .system,
                clock: hand.clock))
        catalog = Catalog(
            database: database, sealing: Self.keys.sealing, generations: generations, entropy: .system,
            clock: hand.clock)
        applications = Applications(database: database, generations: generations, entropy: .system, clock: hand.clock)
        credentials = Credentials(
            database: database, accounts: accounts, applications: applications, argon2: argon2,
            format: try TokenFormat(prefix: "sk-", keys: Self.keys), generations: generations, entropy: .system,
            clock: hand.clock)
        metering = Self.metering(over: database, hand.clock)
        audit = Audit(database: database, chain: Self.keys.auditChain, entropy: .system)
        ada = try await accounts.createAdmin(
            email: good("ada@example.com"), password: good("seven green boats at dawn"), accountName: good("Ada"),
            onlyFirst: true, by: .test)
        app = try await applications.create(
            ApplicationDraft(
                name: good("App"),
                chat: ChatSettings(
                    model: good("echo"), allowedModels: nil, systemPrompt: nil, parameters: .none)),
            in: ada.account, by: .test)
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    static func open(_ folder: String, _ clock: Clock) throws -> Database {
        try Database(path: folder + "/latchkey.db", migrations: migrations, clock: clock)
    }

    static let migrations =
        Audit.migrations + Catalog.migrations + Accounts.migrations + Applications.migrations
        + Credentials.migrations + Metering.migrations

    static func metering(over database: Database, _ clock: Clock) -> Metering {
        Metering(database: database, sealing: keys.sealing, entropy: .system, clock: clock)
    }

    /// As after a crash and a restart: the same file, nothing in memory. What was held is not voided yet.
    func restarted() -> Metering { Self.metering(over: database, hand.clock) }

    // MARK: Steps

    func key(limit: Credits? = nil, monthly: Credits? = nil) async throws -> Credential {
        try await credentials.issue(
            CredentialDraft(
                application: app.id, name: .empty, terms: KeyTerms(creditLimit: limit, monthlyLimit: monthly)), by: ada,
            .test
        ).0
    }

    func grant(_ credits: Int64) async throws {
        _ = try await metering.grant(Credits(credits), to: ada.account, reason: .empty, by: .test)
    }

    /// A call of her app with a key, now.
    func call(_ key: Credential, cost: Credits = Credits(20), idempotency: IdempotencyKey? = nil) -> MeteredCall {
        MeteredCall(
            CallSubject(
                account: key.account, credential: key.id, application: key.application, model: "echo",
                priceVersion: Self.priceID, multiplierVersion: Self.multiplierID),
            cost: cost, time: hand.now, idempotency: idempotency)
    }

    static let priceID = Identifier("019aa5d0-0000-7000-8000-000000000004")!
    static let multiplierID = Identifier("019aa5d0-0000-7000-8000-000000000003")!

    func hold(_ key: Credential, cost: Credits = Credits(20), idempotency: IdempotencyKey? = nil) async throws -> Hold {
        guard case .held(let hold) = try await metering.hold(call(key, cost: cost, idempotency: idempotency)) else {
            throw NotHeld()
        }
        return hold
    }

    func balance() async throws -> Balance { try await metering.balance(of: ada.account) }

    func meter(_ key: Credential) async throws -> KeyMeter {
        try await metering.meters(of: [key.id], in: Month(of: hand.now))[key.id] ?? KeyMeter()
    }

    /// The first thing in the database that is not as its entries say.
    func difference() async throws -> String? {
        try await LedgerCheck.run(on: database, isPriced: false).difference
    }
}

struct NotHeld: Error {}

extension Credits {
    /// Whole credits.
    init(_ credits: Int64) { self.init(micro: credits * 1_000_000) }
}
