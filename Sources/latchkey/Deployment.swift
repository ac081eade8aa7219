import Accounts
import Applications
import Audit
import Calls
import Catalog
import Credentials
import Database
import Foundation
import Metering
import Secrets
import Values

/// An opened data directory with every domain over it: what all commands work on.
struct Deployment: Sendable {
    let directory: DataDirectory
    /// There was no data yet.
    let isNew: Bool
    let database: Database
    /// For people: what anybody can ask for. Apart from the keys', so that a flood of sign-ins holds up no program.
    let peopleArgon2: Argon2Pool
    let keysArgon2: Argon2Pool
    let accounts: Accounts
    let catalog: Catalog
    let applications: Applications
    let credentials: Credentials
    let metering: Metering
    let calls: Calls
    let audit: Audit
    /// By which the data plane knows the console's pages.
    let pagePasses: PagePasses
    let clock: Clock
    /// What the operator should know about the key files, a sentence each.
    let remarks: [String]

    /// Why a deployment can't be opened, for the person who starts it.
    struct Failure: Error {
        let sentence: String
    }

    /// Takes the lock, loads or makes the keys, brings the schema up to date.
    /// - Parameter clock: that of the machine, but for a demo that has a history.
    static func open(_ settings: Settings, clock: Clock = .system) async throws -> Deployment {
        do {
            return try await assemble(settings, clock)
        } catch let error as Argon2ParametersError {
            throw Settings.Failure(sentence: error.sentence)
        } catch let error as TokenFormatError {
            throw Settings.Failure(
                sentence: "The setting key.prefix (LATCHKEY_KEY_PREFIX) can't be used: \(error.sentence)")
        }
    }

    private static func assemble(_ settings: Settings, _ clock: Clock) async throws -> Deployment {
        let parameters = try Argon2Parameters(
            memoryKiB: settings.integer(.argon2MemoryKiB), iterations: settings.integer(.argon2Iterations),
            parallelism: settings.integer(.argon2Parallelism))
        let directory = try Self.directory(settings)
        // New keys are only ever made for new data. For data that is there they would open nothing.
        let isNew = !FileManager.default.fileExists(atPath: directory.database)
        let entropy = Entropy.system
        let keys = try Self.keys(settings, createIfMissing: isNew)
        let format = try TokenFormat(prefix: settings.text(.keyPrefix) ?? Setting.keyPrefix.standard, keys: keys)
        if let kind = TokenKind(rawValue: format.prefix) {
            throw Settings.Failure(
                sentence: "The setting key.prefix (LATCHKEY_KEY_PREFIX) must not be \(kind.prefix), which every "
                    + "\(kind.name) has.")
        }
        let database = try Database(
            path: directory.database,
            migrations: migrations,
            clock: clock, onLostWrite: stopForLostWrite, admit: { try requireRightKeys(keys, $0) })
        let audit = Audit(database: database, chain: keys.auditChain, entropy: entropy)
        try await database.write {
            try Audit.begin(with: keys, by: audit.author(actor: nil, address: ""), at: clock.now(), in: $0)
        }
        let given = settings.integer(.argon2Workers)
        let workers = given == 0 ? ProcessInfo.processInfo.activeProcessorCount : given
        let queue = settings.integer(.argon2Queue)
        func pool(workers: Int) -> Argon2Pool {
            Argon2Pool(
                pepper: keys.pepper, parameters: parameters, workers: workers, queueLimit: queue,
                shareLimit: max(1, queue / 4), deadline: .seconds(10), entropy: entropy)
        }
        let peopleArgon2 = pool(workers: max(1, workers / 2))
        let keysArgon2 = pool(workers: workers)
        let generations = Generations()
        let accounts = try Accounts(
            Accounts.Parts(
                database: database, keys: keys, argon2: peopleArgon2, tokenArgon2: keysArgon2,
                sessions: Accounts.SessionLimits(
                    idle: .seconds(60 * settings.integer(.sessionIdleMinutes)),
                    absolute: .seconds(3600 * settings.integer(.sessionAbsoluteHours))),
                generations: generations, entropy: entropy, clock: clock))
        let catalog = Catalog(
            database: database, sealing: keys.sealing, generations: generations, entropy: entropy, clock: clock)
        let applications = Applications(database: database, generations: generations, entropy: entropy, clock: clock)
        let credentials = Credentials(
            database: database, accounts: accounts, applications: applications, argon2: keysArgon2, format: format,
            generations: generations, entropy: entropy, clock: clock)
        let metering = Metering(
            database: database, sealing: keys.bulkSealing, generations: generations, entropy: entropy, clock: clock,
            onBrokenBound: stopForBrokenBound)
        return Deployment(
            directory: directory, isNew: isNew, database: database, peopleArgon2: peopleArgon2, keysArgon2: keysArgon2,
            accounts: accounts, catalog: catalog, applications: applications, credentials: credentials,
            metering: metering,
            calls: Calls(
                accounts: accounts, catalog: catalog, applications: applications, credentials: credentials,
                metering: metering, generations: generations),
            audit: audit, pagePasses: keys.pagePasses, clock: clock, remarks: keys.remarks)
    }

    /// Nothing that is asked of the database after a failed fsync can be believed, so nobody gets to ask. At once,
    /// without the orderly end, which would write.
    private static let stopForLostWrite: @Sendable () -> Void = {
        FileHandle.standardError.write(
            Data(
                ("latchkey stopped: the disk failed to make a write durable (fsync). What was answered before is on disk; "
                    + "check the disk, then start again.\n").utf8))
        _exit(74)
    }

    /// A record that breaks its own bounds can't be trusted with another call.
    private static let stopForBrokenBound: @Sendable (String) -> Void = { sentence in
        FileHandle.standardError.write(
            Data(
                ("latchkey stopped: \(sentence). Every charge that was answered is on disk. Run \"latchkey ledger check\" and "
                    + "report what it prints; don't start the server before that is understood.\n").utf8))
        _exit(70)
    }

    /// Ends the threads and the connections; the lock goes with the last reference.
    func close() async throws {
        await metering.drain(for: .seconds(5))
        try? await credentials.recordUses()
        peopleArgon2.shutdown()
        keysArgon2.shutdown()
        try database.close()
    }

    static let migrations =
        Audit.migrations + Catalog.migrations + Accounts.migrations + Applications.migrations
        + Credentials.migrations + Metering.migrations

    static func sentence(_ failure: DatabaseFailure) -> String {
        switch failure {
        case .newerVersion(let name):
            "The database was written by a newer latchkey (it has the migration \(name.prefix(64))). Use that version, or a "
                + "backup from before."
        case .olderVersion(let name):
            "The database was last used by an older latchkey (it lacks the migration \(name)). Start the server of this "
                + "version on it once."
        case .unsafe(let reason): "The database can't be used safely: \(reason)."
        case .engine(let code) where failure.isRefusedWrite:
            "The disk of the data directory can't be written (SQLite result code \(code)): it is full or broken."
        case .engine(let code): "The database can't be opened (SQLite result code \(code))."
        default: "The database can't be opened: \(failure)."
        }
    }
}
