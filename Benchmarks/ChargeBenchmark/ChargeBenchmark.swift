import Accounts
import Applications
import Audit
import Catalog
import Credentials
import Database
import Foundation
import Metering
import Policy
import Secrets
import Values

/// Times holds and charges inside one process, without sockets, beside a bare loop of the same statements on the same
/// disk. Prints one JSON object for `run.py`; with the argument `commits`, only how long a commit of one row takes there.
@main
struct ChargeBenchmark {
    static func main() async throws {
        // Away from the main thread, to which an entry point is bound: a call there and back would be all that is timed.
        try await Task.detached { try await measure() }.value
    }

    private static let callers = 1024
    private static let seconds = 3.0

    private static func measure() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "latchkey-bench-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let raw = try RawLoop(folder + "/raw.db")
        if CommandLine.arguments.contains("commits") {
            let commits = try raw.commitTimes(2000).sorted()
            print("{\"p50\": \(commits[commits.count / 2]), \"p99\": \(commits[commits.count * 99 / 100])}")
            return
        }
        let house = try await House(folder)
        if let n = CommandLine.arguments.dropFirst().first.flatMap({ Int($0) }) {
            for _ in 0..<3 { print(try await house.chargesPerSecond(callers: n, seconds: 2)) }
            return
        }
        var rates: [Double] = []
        var ratios: [Double] = []
        // In turn, so that a change of the machine's speed meets both.
        for _ in 0..<5 {
            let ours = try await house.chargesPerSecond(callers: callers, seconds: seconds)
            let bare = try raw.chargesPerSecond(seconds: seconds)
            rates.append(ours)
            ratios.append(ours / bare)
        }
        print("{\"charges_per_second_hot_account\": \(median(rates)), \"charges_vs_raw_sqlite\": \(median(ratios))}")
        try house.database.close()
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// A deployment with one account, one app and one key.
private struct House {
    let database: Database
    private let metering: Metering
    private let account: Identifier
    private let key: Credential
    private let quote: Quote

    init(_ folder: String) async throws {
        let entropy = Entropy.system
        let keys = DeploymentSecrets(master: .random(32, from: entropy), pepper: .random(32, from: entropy))
        database = try Database(
            path: folder + "/latchkey.db",
            migrations: Audit.migrations + Catalog.migrations + Accounts.migrations + Applications.migrations
                + Credentials.migrations + Metering.migrations, clock: .system)
        let argon2 = Argon2Pool(
            pepper: keys.pepper, parameters: .standard, workers: 1, queueLimit: 64, shareLimit: 64,
            deadline: .seconds(10),
            entropy: entropy)
        defer { argon2.shutdown() }
        let author = Audit(database: database, chain: keys.auditChain, entropy: entropy).author(actor: nil, address: "")
        let generations = Generations()
        let accounts = try Accounts(
            Accounts.Parts(
                database: database, keys: keys, argon2: argon2, tokenArgon2: argon2,
                sessions: Accounts.SessionLimits(idle: .seconds(3600), absolute: .seconds(86_400)),
                generations: generations, entropy: entropy,
                clock: .system))
        let catalog = Catalog(
            database: database, sealing: keys.sealing, generations: generations, entropy: entropy, clock: .system)
        let applications = Applications(database: database, generations: generations, entropy: entropy, clock: .system)
        let credentials = Credentials(
            database: database, accounts: accounts, applications: applications, argon2: argon2,
            format: try TokenFormat(prefix: "sk-", keys: keys), generations: generations, entropy: entropy,
            clock: .system)
        metering = Metering(database: database, sealing: keys.sealing, entropy: entropy, clock: .system)
        guard let email = EmailAddress("bench@example.com"), let password = Password("seven quiet grey herons"),
            let name = DisplayName("bench"), let model = ModelName("echo")
        else { preconditionFailure("the benchmark's own values break a rule") }
        let user = try await accounts.createAdmin(
            email: email, password: password, accountName: name, onlyFirst: true, by: author)
        let chat = try ChatSettings(model: model, allowedModels: nil, systemPrompt: nil, parameters: .none)
        let app = try await applications.create(ApplicationDraft(name: name, chat: chat), in: user.account, by: author)
        let terms = KeyTerms(creditLimit: .most, monthlyLimit: .most)
        key = try await credentials.issue(
            CredentialDraft(application: app.id, name: .empty, terms: terms), by: user, author
        ).0
        account = user.account
        _ = try await metering.grant(.most, to: account, reason: .empty, by: author)
        guard let route = try await catalog.route("echo") else { preconditionFailure("no echo model") }
        quote = try await catalog.quote(route, group: PricingGroup.standard, at: Clock.system.now())
    }

    /// Calls that were held and charged, from so many callers at once.
    func chargesPerSecond(callers: Int, seconds: Double) async throws -> Double {
        let began = ContinuousClock.now
        let end = began + .seconds(seconds)
        let charged = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<callers {
                group.addTask {
                    var charged = 0
                    while ContinuousClock.now < end {
                        let call = MeteredCall(
                            account: account, credential: key.id, application: key.application, model: "echo",
                            quote: quote, time: Clock.system.now(), idempotency: nil)
                        guard case .held(let hold) = try await metering.hold(call) else { continue }
                        try await metering.charge(hold)
                        charged += 1
                    }
                    return charged
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(charged) / ((ContinuousClock.now - began) / .seconds(1))
    }
}
