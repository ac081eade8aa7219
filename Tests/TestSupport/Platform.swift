package import Accounts
package import Applications
package import Audit
package import Catalog
package import Credentials
package import Database
import Foundation
import Metering
package import Secrets
package import Values

/// The domains of the platform over a database file of their own, by a clock that stands still: what every house of the
/// tests is built on. Goes, with its folder, when the house that holds it goes.
package final class Platform: Sendable {
    package static let migrations =
        Audit.migrations + Catalog.migrations + Accounts.migrations + Applications.migrations
        + Credentials.migrations + Metering.migrations

    package let folder = FileManager.default.temporaryDirectory.appending(path: "latchkey-\(UUID().uuidString)").path
    package let hand: HandClock
    package let generations = Generations()
    package let database: Database
    package let accounts: Accounts
    package let catalog: Catalog
    package let applications: Applications
    package let credentials: Credentials
    package let audit: Audit

    /// - Parameter time: where the clock stands at first.
    package convenience init(at time: Timestamp) throws { try self.init(HandClock(time)) }

    package init(_ hand: HandClock) throws {
        self.hand = hand
        let (keys, clock) = (DeploymentSecrets.test, hand.clock)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try Self.database(in: folder, clock)
        accounts = try Self.accounts(over: database, clock, generations: generations)
        catalog = Catalog(
            database: database, sealing: keys.sealing, generations: generations, entropy: .system, clock: clock)
        applications = Applications(database: database, generations: generations, entropy: .system, clock: clock)
        credentials = try Self.credentials(over: database, clock, accounts, applications, generations: generations)
        audit = Audit(database: database, chain: keys.auditChain, entropy: .system)
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Whether any file of the database has this text in it.
    package func isOnDisk(_ text: String) throws -> Bool {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        precondition(names.contains("latchkey.db"))
        return try names.contains { name in
            try Data(contentsOf: URL(filePath: folder + "/" + name)).range(of: Data(text.utf8)) != nil
        }
    }
}

/// Single parts, as after a restart, or with something in them that is otherwise.
extension Platform {
    package static func database(in folder: String, _ clock: Clock) throws -> Database {
        try Database(path: folder + "/latchkey.db", migrations: migrations, clock: clock)
    }

    package static let idle: Duration = .seconds(1800)
    package static let absolute: Duration = .seconds(36_000)

    package static func accounts(
        over database: Database, _ clock: Clock, pool: Argon2Pool = TestPool.shared, pepper: String = "pepper",
        generations: Generations = Generations()
    ) throws -> Accounts {
        try Accounts(
            Accounts.Parts(
                database: database, keys: DeploymentSecrets(master: Secret("master"), pepper: Secret(pepper)),
                argon2: pool, tokenArgon2: pool,
                sessions: Accounts.SessionLimits(idle: idle, absolute: absolute), generations: generations,
                entropy: .system, clock: clock))
    }

    package static func credentials(
        over database: Database, _ clock: Clock, _ accounts: Accounts, _ applications: Applications,
        pool: Argon2Pool = TestPool.shared, generations: Generations = Generations()
    ) throws -> Credentials {
        Credentials(
            database: database, accounts: accounts, applications: applications, argon2: pool,
            format: try TokenFormat(prefix: "sk-", keys: .test), generations: generations, entropy: .system,
            clock: clock)
    }
}

/// Something that stands on a platform, and has its parts for its own.
package protocol House {
    var platform: Platform { get }
}

extension House {
    package var folder: String { platform.folder }
    package var hand: HandClock { platform.hand }
    package var generations: Generations { platform.generations }
    package var database: Database { platform.database }
    package var accounts: Accounts { platform.accounts }
    package var catalog: Catalog { platform.catalog }
    package var applications: Applications { platform.applications }
    package var credentials: Credentials { platform.credentials }
    package var audit: Audit { platform.audit }
    /// Whether any file of the database has this text in it.
    package func isOnDisk(_ text: String) throws -> Bool { try platform.isOnDisk(text) }
}
