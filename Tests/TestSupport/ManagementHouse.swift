import Accounts
import Applications
import Audit
import Calls
import Catalog
import Credentials
import Database
package import Management
import Metering
import Secrets
import Values

/// The whole platform below HTTP, over a database file of its own, with nobody in it yet.
package final class ManagementHouse: House, Sendable {
    package let platform: Platform
    package let management: Management
    /// Stands for all providers.
    package let tester = ToldTester()

    /// - Parameters:
    ///   - changesPerMinute: of each account.
    ///   - checks: what is measured of the deployment.
    package init(changesPerMinute: Int = 600, checks: [HealthCheck] = [HealthCheck(.database, 250)]) throws {
        platform = try Platform(at: Timestamp(microseconds: 1_780_315_200_000_000))
        let (clock, generations) = (platform.hand.clock, platform.generations)
        let metering = Metering(
            database: platform.database, sealing: DeploymentSecrets.test.sealing, generations: generations,
            entropy: .system, clock: clock, onBrokenBound: { fatalError($0) })
        management = Management(
            accounts: platform.accounts, catalog: platform.catalog, applications: platform.applications,
            credentials: platform.credentials, metering: metering,
            calls: Calls(
                accounts: platform.accounts, catalog: platform.catalog, applications: platform.applications,
                credentials: platform.credentials, metering: metering, generations: generations),
            audit: platform.audit, tester: tester, firstRun: nil, writeRate: WriteRate(perMinute: changesPerMinute),
            health: {
                Health(
                    version: "0.0.0", startedAt: clock.now(), at: clock.now(), schema: ["test-1"],
                    databaseBytes: 4096, checks: checks)
            }, clock: clock)
    }
}
