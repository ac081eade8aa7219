import Accounts
import Applications
import Audit
import Catalog
import Credentials
import Database
import Dispatch
import Foundation
import Metering
import Policy
import Secrets
import Synchronization
import Values

/// A deployment with so many accounts, each with an app and a key.
struct House {
    let database: Database
    let metering: Metering
    private let generations = Generations()
    private let subjects: [(account: Identifier, credential: Identifier)]
    private let application: Identifier
    private let quote: Quote
    private let folder: String

    init(_ folder: String, accounts count: Int) async throws {
        self.folder = folder
        let entropy = Entropy.system
        let keys = DeploymentSecrets(master: .random(32, from: entropy), pepper: .random(32, from: entropy))
        database = try Database(
            path: folder + "/latchkey.db",
            migrations: Audit.migrations + Catalog.migrations + Accounts.migrations + Applications.migrations
                + Credentials.migrations + Metering.migrations, clock: .system)
        let argon2 = Argon2Pool(
            pepper: keys.pepper, parameters: .standard, workers: 1, queueLimit: 64, shareLimit: 64,
            deadline: .seconds(10), entropy: entropy)
        defer { argon2.shutdown() }
        let author = Audit(database: database, chain: keys.auditChain, entropy: entropy).author(actor: nil, address: "")
        let accounts = try Accounts(
            Accounts.Parts(
                database: database, keys: keys, argon2: argon2, tokenArgon2: argon2,
                sessions: Accounts.SessionLimits(idle: .seconds(3600), absolute: .seconds(86_400)),
                generations: generations, entropy: entropy, clock: .system))
        let catalog = Catalog(
            database: database, sealing: keys.sealing, generations: generations, entropy: entropy, clock: .system)
        let applications = Applications(
            database: database, generations: generations, entropy: entropy, clock: .system)
        let credentials = Credentials(
            database: database, accounts: accounts, applications: applications, argon2: argon2,
            format: try TokenFormat(prefix: "sk-", keys: keys), generations: generations, entropy: entropy,
            clock: .system)
        metering = Metering(
            database: database, sealing: keys.sealing, generations: generations, entropy: entropy, clock: .system,
            onBrokenBound: { fatalError($0) })
        guard let email = EmailAddress("bench@example.com"), let password = Password("seven quiet grey herons"),
            let name = DisplayName("bench"), let model = ModelName("echo")
        else { preconditionFailure("the benchmark's own values break a rule") }
        let user = try await accounts.createAdmin(
            email: email, password: password, accountName: name, onlyFirst: true, by: author)
        let chat = try ChatSettings(model: model, allowedModels: nil, systemPrompt: nil, parameters: .none)
        let app = try await applications.create(ApplicationDraft(name: name, chat: chat), in: user.account, by: author)
        let key = try await credentials.issue(
            CredentialDraft(application: app.id, name: .empty, terms: KeyTerms()), by: user, author
        ).0
        application = app.id
        subjects = try await Self.copies(count, of: user.account, key.id, database)
        let share = Credits(micro: .max / Int64(2 * count))
        for subject in subjects {
            _ = try await metering.grant(share, to: subject.account, reason: .empty, by: author)
        }
        guard let route = try await catalog.route("echo") else { preconditionFailure("no echo model") }
        quote = try await catalog.quote(route, group: PricingGroup.standard, at: Clock.system.now())
    }

    /// The account and its key again and again: to make a thousand keys in earnest takes half a minute of Argon2id.
    private static func copies(
        _ count: Int, of account: Identifier, _ key: Identifier, _ database: Database
    ) async throws -> [(account: Identifier, credential: Identifier)] {
        try await database.write { connection in
            try connection.run("CREATE TEMP TABLE a AS SELECT * FROM accounts WHERE id = $1", account)
            // Without the columns that follow from others, which nobody sets.
            let names = try connection.row("SELECT group_concat(name) AS names FROM pragma_table_info('credentials')")
            let columns = try names?.text("names") ?? ""
            try connection.run("CREATE TEMP TABLE k AS SELECT \(columns) FROM credentials WHERE id = $1", key)
            return try (0..<count).map { number in
                let id = Identifier(at: Timestamp(microseconds: Int64(number) * 1000), random: (0, 0))
                try connection.run("UPDATE a SET id = $1", id)
                try connection.run(
                    "UPDATE k SET id = $1, account_id = $1, secret_id = substr($1, 1, 20) || $2", id, "\(number)")
                try connection.run("INSERT INTO accounts SELECT * FROM a")
                try connection.run("INSERT INTO credentials (\(columns)) SELECT \(columns) FROM k")
                return (id, id)
            }
        }
    }

    /// The size of the file, with the log in it.
    func bytes() throws -> Int {
        try database.foldLog()
        return try FileManager.default.attributesOfItem(atPath: folder + "/latchkey.db")[.size] as? Int ?? 0
    }

    /// Holds and charges calls of the first so many accounts in random turns, so many at once, on two threads as event
    /// loops are.
    func charge(
        accounts: Int, atOnce: Int, seconds: Double
    ) async throws -> (count: Int, perSecond: Double) {
        let began = ContinuousClock.now
        let loops = (0..<2).map { Loop(self, accounts, UInt64($0 + 1), until: began + .seconds(seconds)) }
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for loop in loops { group.addTask { try await loop.run(atOnce / loops.count) } }
            return try await group.reduce(0, +)
        }
        return (count, Double(count) / ((ContinuousClock.now - began) / .seconds(1)))
    }

    func call(_ number: Int) -> (MeteredCall, Generations.Stamp) {
        let subject = subjects[number]
        let call = MeteredCall(
            account: subject.account, credential: subject.credential, application: application, model: "echo",
            quote: quote, keyLimit: nil, monthlyLimit: nil, time: Clock.system.now(), idempotency: nil)
        return (call, generations.stamp(of: subject.account))
    }
}

/// One thread that makes calls and takes the answers to them.
private final class Loop: Sendable {
    private struct State {
        var random: UInt64
        var open = 0
        var charged = 0
        var failure: (any Error)?
        var whenOver: CheckedContinuation<Int, any Error>?
    }

    private let house: House
    private let accounts: Int
    private let end: ContinuousClock.Instant
    private let queue: DispatchQueue
    private let wake: Wake
    private let state: Mutex<State>

    init(_ house: House, _ accounts: Int, _ seed: UInt64, until end: ContinuousClock.Instant) {
        self.house = house
        self.accounts = accounts
        self.end = end
        let queue = DispatchQueue(label: "loop \(seed)")
        self.queue = queue
        wake = Wake { work in queue.async { work() } }
        state = Mutex(State(random: seed))
    }

    func run(_ atOnce: Int) async throws -> Int {
        for number in 0..<accounts {
            let (call, _) = house.call(number)
            _ = try await house.metering.prepare(call)
        }
        return try await withCheckedThrowingContinuation { continuation in
            state.withLock { state in
                state.whenOver = continuation
                state.open = atOnce
            }
            queue.async { [self] in for _ in 0..<atOnce { next() } }
        }
    }

    private func next() {
        let number = state.withLock { state in
            state.random = state.random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state.random >> 33) % accounts
        }
        let (call, stamp) = house.call(number)
        guard ContinuousClock.now < end else { return finish(nil) }
        guard case .held(let hold) = house.metering.hold(call, under: stamp) else {
            return finish(Denial.overloaded)
        }
        house.metering.charge(hold, hold.cost, answer: nil, wake: wake) { [self] result in
            switch result {
            case .success:
                state.withLock { $0.charged += 1 }
                next()
            case .failure(let error): finish(error)
            }
        }
    }

    private func finish(_ failure: (any Error)?) {
        let over = state.withLock { state -> (CheckedContinuation<Int, any Error>, Result<Int, any Error>)? in
            state.open -= 1
            state.failure = state.failure ?? failure
            guard state.open == 0, let continuation = state.whenOver else { return nil }
            return (continuation, state.failure.map { .failure($0) } ?? .success(state.charged))
        }
        if let (continuation, result) = over { continuation.resume(with: result) }
    }
}
