import Accounts
import Applications
import Audit
import Calls
import Catalog
import Credentials
import Database
import Foundation
import Metering
import Policy
import Secrets
import Values

/// Times the checking of keys inside one process, without sockets. Prints one JSON object for `run.py`.
@main
struct CheckBenchmark {
    static func main() async throws {
        // Away from the main thread, to which an entry point is bound: a call there and back would be all that is timed.
        try await Task.detached { try await measure() }.value
    }

    private static func measure() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "latchkey-bench-\(UUID().uuidString)").path
        let directory = try DataDirectory(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let house = try await House(directory)

        let known = try await house.key()
        let credentials = house.credentials()
        let (calls, metering) = try await house.calls(credentials)
        _ = try await calls.open(known, at: Clock.system.now())
        var hot: [Double] = []
        for _ in 0..<50 {
            let began = ContinuousClock.now
            for _ in 0..<4000 {
                guard calls.known(known, at: Clock.system.now()) != nil else { preconditionFailure("not known") }
            }
            hot.append(microseconds(since: began) / 4000)
        }

        // All that a call of a known key takes before it goes upstream.
        var held: [Double] = []
        for _ in 0..<50 {
            let began = ContinuousClock.now
            for _ in 0..<4000 { try await hold(known, calls, metering) }
            held.append(microseconds(since: began) / 4000)
        }

        // Right shape and checksum, another deployment's tag: as good as a forger gets without the pepper.
        let strangers = try (0..<2000).map { _ in try house.forgedKey() }
        var forged: [Double] = []
        for _ in 0..<50 {
            let began = ContinuousClock.now
            for stranger in strangers {
                do {
                    _ = try await credentials.verify(stranger, at: Clock.system.now())
                    preconditionFailure("a forged key was taken")
                } catch Denial.invalidKey {}
            }
            forged.append(microseconds(since: began) / Double(strangers.count))
        }

        // In turn, so that a change of the machine's speed meets both.
        var ratios: [Double] = []
        for _ in 0..<25 {
            let cold = house.credentials()
            let began = ContinuousClock.now
            _ = try await cold.verify(known, at: Clock.system.now())
            let first = microseconds(since: began)
            let beganRaw = ContinuousClock.now
            _ = try await house.argon2.hash(Secret(known), for: .deployment)
            ratios.append(first / microseconds(since: beganRaw))
        }
        print(
            """
            {"hot_check_us": \(median(hot)), "held_call_us": \(median(held)), "forged_key_us": \(median(forged)), \
            "cold_check_vs_argon2": \(median(ratios))}
            """)
        house.argon2.shutdown()
        try house.database.close()
    }

    /// Opens, admits, decides and holds a call, and gives it back. Waits at its first use only.
    private static func hold(_ key: String, _ calls: Calls, _ metering: Metering) async throws {
        guard let opened = calls.known(key, at: Clock.system.now()),
            let decided = try opened.admit(to: nil, from: nil, on: .none).decide(model: "echo")
        else { preconditionFailure("not known") }
        var answer = calls.hold(decided.metered(nil), of: opened)
        if case .unknown = answer, case .ready(let call) = try await metering.prepare(decided.metered(nil)) {
            answer = calls.hold(call, of: opened)
        }
        guard case .held(let hold) = answer else { preconditionFailure("not held") }
        metering.release(hold, as: "upstream_failed")
    }

    private static func microseconds(since start: ContinuousClock.Instant) -> Double {
        let took = (ContinuousClock.now - start).components
        return Double(took.seconds) * 1e6 + Double(took.attoseconds) / 1e12
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// A deployment with one user and one app.
private struct House {
    let database: Database
    let argon2: Argon2Pool
    private let generations = Generations()
    private let keys: DeploymentSecrets
    private let accounts: Accounts
    private let catalog: Catalog
    private let applications: Applications
    private let author: Author
    private let format: TokenFormat
    private let user: User
    private let application: Identifier

    init(_ directory: DataDirectory) async throws {
        let entropy = Entropy.system
        keys = DeploymentSecrets(master: .random(32, from: entropy), pepper: .random(32, from: entropy))
        database = try Database(
            path: directory.database,
            migrations: Audit.migrations + Catalog.migrations + Accounts.migrations + Applications.migrations
                + Credentials.migrations + Metering.migrations,
            clock: .system)
        argon2 = Argon2Pool(
            pepper: keys.pepper, parameters: .standard, workers: 2, queueLimit: 64, shareLimit: 64,
            deadline: .seconds(10),
            entropy: entropy)
        author = Audit(database: database, chain: keys.auditChain, entropy: entropy).author(actor: nil, address: "")
        format = try TokenFormat(prefix: "sk-", keys: keys)
        accounts = try Accounts(
            Accounts.Parts(
                database: database, keys: keys, argon2: argon2, tokenArgon2: argon2,
                sessions: Accounts.SessionLimits(idle: .seconds(3600), absolute: .seconds(86_400)),
                generations: generations, entropy: entropy,
                clock: .system))
        catalog = Catalog(
            database: database, sealing: keys.sealing, generations: generations, entropy: entropy, clock: .system)
        applications = Applications(database: database, generations: generations, entropy: entropy, clock: .system)
        guard let email = EmailAddress("bench@example.com"), let password = Password("seven quiet grey herons"),
            let name = DisplayName("bench"), let model = ModelName("echo")
        else { preconditionFailure("the benchmark's own values break a rule") }
        user = try await accounts.createAdmin(
            email: email, password: password, accountName: name, onlyFirst: true, by: author)
        let chat = try ChatSettings(model: model, allowedModels: nil, systemPrompt: nil, parameters: .none)
        application = try await applications.create(
            ApplicationDraft(name: name, chat: chat), in: user.account, by: author
        ).id
    }

    /// A checker with an empty memory, as after a start.
    func credentials() -> Credentials {
        Credentials(
            database: database, accounts: accounts, applications: applications, argon2: argon2, format: format,
            generations: generations, entropy: .system, clock: .system)
    }

    /// Over all the credits that there can be.
    func calls(_ credentials: Credentials) async throws -> (Calls, Metering) {
        let metering = Metering(
            database: database, sealing: keys.bulkSealing, generations: generations, entropy: .system, clock: .system,
            foldAfter: nil, onBrokenBound: { preconditionFailure($0) })
        _ = try await metering.grant(
            Credits(micro: 1_000_000_000_000), to: user.account, reason: .empty, by: author)
        let calls = Calls(
            accounts: accounts, catalog: catalog, applications: applications, credentials: credentials,
            metering: metering, generations: generations)
        return (calls, metering)
    }

    func key() async throws -> String {
        let draft = CredentialDraft(application: application, name: .empty, terms: KeyTerms())
        return try await credentials().issue(draft, by: user, author).1.exposed()
    }

    func forgedKey() throws -> String {
        let others = DeploymentSecrets(master: .random(32, from: .system), pepper: .random(32, from: .system))
        return try TokenFormat(prefix: "sk-", keys: others).mint(.system).secret.exposed()
    }
}
