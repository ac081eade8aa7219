import Accounts
import Applications
import Audit
import Catalog
import Credentials
import Database
import Foundation
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
        _ = try await credentials.verify(known, at: Clock.system.now())
        var hot: [Double] = []
        for _ in 0..<50 {
            let began = ContinuousClock.now
            for _ in 0..<4000 { _ = try await credentials.verify(known, at: Clock.system.now()) }
            hot.append(microseconds(since: began) / 4000)
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
            {"hot_check_us": \(median(hot)), "forged_key_us": \(median(forged)), "cold_check_vs_argon2": \(median(ratios))}
            """)
        house.argon2.shutdown()
        try house.database.close()
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
    private let accounts: Accounts
    private let applications: Applications
    private let author: Author
    private let format: TokenFormat
    private let user: User
    private let application: Identifier

    init(_ directory: DataDirectory) async throws {
        let entropy = Entropy.system
        let keys = DeploymentSecrets(master: .random(32, from: entropy), pepper: .random(32, from: entropy))
        database = try Database(
            path: directory.database,
            migrations: Audit.migrations + Catalog.migrations + Accounts.migrations + Applications.migrations
                + Credentials.migrations,
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

    func key() async throws -> String {
        let draft = CredentialDraft(application: application, name: .empty, terms: KeyTerms())
        return try await credentials().issue(draft, by: user, author).1.exposed()
    }

    func forgedKey() throws -> String {
        let others = DeploymentSecrets(master: .random(32, from: .system), pepper: .random(32, from: .system))
        return try TokenFormat(prefix: "sk-", keys: others).mint(.system).secret.exposed()
    }
}
