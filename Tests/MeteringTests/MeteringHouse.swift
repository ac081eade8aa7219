import Accounts
import Applications
import Catalog
import Credentials
import Database
import Policy
import Secrets
import Synchronization
import TestSupport
import Testing
import Values

import struct Applications.Application

@testable import Audit
@testable import Metering

/// Everything that credits need, over a database file of its own, at noon of a day in June. Goes, with its folder, when
/// the suite that holds it goes.
final class MeteringHouse: House, Sendable {
    static let noon = Timestamp(rfc3339: "2026-06-10T12:00:00Z")!

    let platform: Platform
    let metering: Metering
    /// The root user of the first account.
    let ada: User
    /// An app of hers.
    let app: Application
    /// A hold that nobody has any more is given back, so they are kept here.
    private let holds = Mutex<[Hold]>([])

    init() async throws {
        platform = try Platform(at: Self.noon)
        metering = Self.metering(over: platform.database, platform.generations, platform.hand.clock)
        ada = try await platform.accounts.createAdmin(
            email: good("ada@example.com"), password: good("seven green boats at dawn"), accountName: good("Ada"),
            onlyFirst: true, by: .test)
        app = try await platform.applications.create(
            ApplicationDraft(
                name: good("App"),
                chat: ChatSettings(
                    model: good("echo"), allowedModels: nil, systemPrompt: nil, parameters: .none)),
            in: ada.account, by: .test)
    }

    /// Folds only when it is asked to.
    static func metering(
        over database: Database, _ generations: Generations, _ clock: Clock, entropy: Entropy = .system,
        foldAfter: Duration? = nil, purses: Int = 1000,
        onBrokenBound: @escaping @Sendable (String) -> Void = { Issue.record("a bound broke: \($0)") }
    ) -> Metering {
        Metering(
            database: database, sealing: DeploymentSecrets.test.sealing, generations: generations, entropy: entropy,
            clock: clock,
            foldAfter: foldAfter, purses: purses, onBrokenBound: onBrokenBound)
    }

    /// As after a crash and a restart: the same file, nothing in memory.
    func restarted() -> Metering { Self.metering(over: database, generations, hand.clock) }

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

    static let priceID = Identifier("019aa5d0-0000-7000-8000-000000000004")!
    static let multiplierID = Identifier("019aa5d0-0000-7000-8000-000000000003")!

    /// What is asked for: a call of a key's app, now.
    struct Ask: Sendable {
        let key: Credential
        var cost = Credits(20)
        var time: Timestamp
        var idempotency: IdempotencyKey?
        var model = "echo"
        var price = priceID
        var multiplier = multiplierID
    }

    func ask(_ key: Credential, cost: Credits = Credits(20), idempotency: IdempotencyKey? = nil) -> Ask {
        Ask(key: key, cost: cost, time: hand.now, idempotency: idempotency)
    }

    /// Decides about all but the credits, as the floor above does, with the facts of this moment.
    func decide(_ ask: Ask) async throws -> (MeteredCall, Generations.Stamp) {
        let stamp = generations.stamp(of: ask.key.account)
        let key: Credential
        do {
            key = try await credentials.find(ask.key.id, of: ask.key.account)
        } catch CredentialsError.notFound {
            throw Denial.invalidKey
        }
        if !key.isEnabled { throw Denial.keyDisabled }
        if try await accounts.account(key.account).isSuspended { throw Denial.accountSuspended }
        let subject = CallSubject(
            account: key.account, credential: key.id, application: key.application, model: ask.model,
            priceVersion: ask.price, multiplierVersion: ask.multiplier)
        let call = MeteredCall(
            subject, cost: ask.cost, keyLimit: key.terms.creditLimit, monthlyLimit: key.terms.monthlyLimit,
            time: ask.time, idempotency: ask.idempotency)
        return (call, stamp)
    }

    enum Outcome: Sendable {
        case held(Hold)
        case answered(StoredAnswer)
    }

    /// Decides as often as something changes meanwhile.
    func outcome(of ask: Ask, by metering: Metering? = nil) async throws -> Outcome {
        while true {
            let (call, stamp) = try await decide(ask)
            if let outcome = try await outcome(of: call, under: stamp, by: metering) { return outcome }
        }
    }

    /// `nil` when something has changed.
    func outcome(
        of call: MeteredCall, under stamp: Generations.Stamp, by metering: Metering? = nil
    ) async throws -> Outcome? {
        let metering = metering ?? self.metering
        var call = call
        while true {
            switch metering.hold(call, under: stamp) {
            case .held(let hold):
                holds.withLock { $0.append(hold) }
                return .held(hold)
            case .denied(let denial): throw denial
            case .changed: return nil
            case .unknown:
                switch try await metering.prepare(call) {
                case .ready(let prepared): call = prepared
                case .answered(let answer): return .answered(answer)
                }
            }
        }
    }

    func hold(_ key: Credential, cost: Credits = Credits(20), idempotency: IdempotencyKey? = nil) async throws -> Hold {
        guard case .held(let hold) = try await outcome(of: ask(key, cost: cost, idempotency: idempotency)) else {
            throw NotHeld()
        }
        return hold
    }

    func release(_ hold: Hold) { metering.release(hold, as: "upstream_failed") }

    func balance() async throws -> Balance { try await metering.balance(of: ada.account) }

    func meter(_ key: Credential) async throws -> KeyMeter {
        try await metering.meters(of: [key.id], in: key.account, Month(of: hand.now))[key.id] ?? KeyMeter()
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
