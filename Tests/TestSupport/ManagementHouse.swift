package import Accounts
package import Applications
import Audit
import Calls
package import Catalog
package import Credentials
package import Database
import Foundation
package import Management
import Metering
import Secrets
import Values

/// The whole platform below HTTP, over a database file of its own, with nobody in it yet and a clock that stands still.
/// Goes, with its folder, when the test that holds it goes.
package final class ManagementHouse: Sendable {
    package let folder = FileManager.default.temporaryDirectory.appending(path: "management-\(UUID().uuidString)").path
    package let hand = HandClock(Timestamp(microseconds: 1_780_315_200_000_000))
    package let database: Database
    package let accounts: Accounts
    package let catalog: Catalog
    package let applications: Applications
    package let credentials: Credentials
    package let management: Management

    /// - Parameter changesPerMinute: of each account.
    package init(changesPerMinute: Int = 600) throws {
        let generations = Generations()
        let (keys, entropy, clock, pool) = (DeploymentSecrets.test, Entropy.system, hand.clock, TestPool.shared)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try Database(
            path: folder + "/latchkey.db",
            migrations: Audit.migrations + Catalog.migrations + Accounts.migrations + Applications.migrations
                + Credentials.migrations + Metering.migrations, clock: clock)
        accounts = try Accounts(
            Accounts.Parts(
                database: database, keys: keys, argon2: pool, tokenArgon2: pool,
                sessions: Accounts.SessionLimits(idle: .seconds(1800), absolute: .seconds(36_000)),
                generations: generations, entropy: entropy,
                clock: clock))
        catalog = Catalog(
            database: database, sealing: keys.sealing, generations: generations, entropy: entropy, clock: clock)
        applications = Applications(database: database, generations: generations, entropy: entropy, clock: clock)
        credentials = Credentials(
            database: database, accounts: accounts, applications: applications, argon2: pool,
            format: try TokenFormat(prefix: "sk-", keys: keys), generations: generations, entropy: entropy, clock: clock
        )
        let metering = Metering(
            database: database, sealing: keys.sealing, generations: generations, entropy: entropy, clock: clock,
            onBrokenBound: { fatalError($0) })
        management = Management(
            accounts: accounts, catalog: catalog, applications: applications, credentials: credentials,
            metering: metering,
            calls: Calls(
                accounts: accounts, catalog: catalog, applications: applications, credentials: credentials,
                metering: metering, generations: generations),
            audit: Audit(database: database, chain: keys.auditChain, entropy: entropy), firstRun: nil,
            writeRate: WriteRate(perMinute: changesPerMinute), clock: clock)
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
