import Accounts
import Admission
import Applications
import Audit
import Catalog
import Credentials
import Database
import Foundation
import Management
import Metering
import Secrets
import TestSupport
import Values

/// The whole platform below HTTP, over a database file of its own, with nobody in it yet and a clock that stands still.
/// Goes, with its folder, when the test that holds it goes.
final class ManagementHouse: Sendable {
    let folder = FileManager.default.temporaryDirectory.appending(path: "management-\(UUID().uuidString)").path
    let hand = HandClock(Timestamp(microseconds: 1_780_315_200_000_000))
    let database: Database
    let accounts: Accounts
    let catalog: Catalog
    let applications: Applications
    let credentials: Credentials
    let management: Management

    /// - Parameter changesPerMinute: of each account.
    init(changesPerMinute: Int = 600) throws {
        let (keys, entropy, clock, pool) = (DeploymentSecrets.test, Entropy.system, hand.clock, TestPool.shared)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try Database(
            path: folder + "/latchkey.db",
            migrations: Audit.migrations + Catalog.migrations + Accounts.migrations + Applications.migrations
                + Credentials.migrations + Metering.migrations, clock: clock)
        accounts = try Accounts(
            Accounts.Parts(
                database: database, keys: keys, argon2: pool, tokenArgon2: pool,
                sessions: Accounts.SessionLimits(idle: .seconds(1800), absolute: .seconds(36_000)), entropy: entropy,
                clock: clock))
        catalog = Catalog(database: database, sealing: keys.sealing, entropy: entropy, clock: clock)
        applications = Applications(database: database, entropy: entropy, clock: clock)
        credentials = Credentials(
            database: database, accounts: accounts, applications: applications, argon2: pool,
            format: try TokenFormat(prefix: "sk-", keys: keys), entropy: entropy, clock: clock)
        let metering = Metering(database: database, sealing: keys.sealing, entropy: entropy, clock: clock)
        management = Management(
            accounts: accounts, catalog: catalog, applications: applications, credentials: credentials,
            metering: metering,
            admission: Admission(
                accounts: accounts, catalog: catalog, applications: applications, credentials: credentials,
                metering: metering),
            audit: Audit(database: database, chain: keys.auditChain, entropy: entropy), firstRun: nil,
            writeRate: WriteRate(perMinute: changesPerMinute), clock: clock)
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Threads of Argon2id for all tests, with the least work that the product allows.
enum TestPool {
    static let shared: Argon2Pool = {
        guard let parameters = try? Argon2Parameters(memoryKiB: 7168, iterations: 5, parallelism: 1) else {
            preconditionFailure("the parameters are below the floor")
        }
        return Argon2Pool(
            pepper: Secret("pepper"), parameters: parameters, workers: 2, queueLimit: 1000, shareLimit: 1000,
            deadline: .seconds(120), entropy: .system)
    }()
}

struct BadText: Error {
    let text: String
}

/// A text that the test knows to be well-formed.
func good<T: FieldText>(_ text: String) throws -> T {
    guard let value = T(text) else { throw BadText(text: text) }
    return value
}
