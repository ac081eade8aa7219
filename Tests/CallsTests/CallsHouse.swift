import Accounts
import Applications
import Calls
import Catalog
import Credentials
import Database
import Metering
import Policy
import Secrets
import TestSupport
import Values

import struct Applications.Application

@testable import Audit

/// Everything that a decision needs, over a database file of its own: two apps of one account, one of another, three
/// models. Goes, with its folder, when the suite that holds it goes.
final class CallsHouse: House, Sendable {
    static let noon = Timestamp(microseconds: 1_780_315_200_000_000)

    let platform: Platform
    let metering: Metering
    let calls: Calls
    let ada: User
    let bob: User
    /// Ada's, with three models and with one.
    let cat: Application
    let dog: Application
    /// Bob's.
    let owl: Application

    init() async throws {
        let platform = try Platform(at: Self.noon)
        self.platform = platform
        let (accounts, catalog, applications) = (platform.accounts, platform.catalog, platform.applications)
        metering = Metering(
            database: platform.database, sealing: DeploymentSecrets.test.sealing, generations: platform.generations,
            entropy: .system, clock: platform.hand.clock, onBrokenBound: { fatalError($0) })
        calls = Calls(
            accounts: accounts, catalog: catalog, applications: applications, credentials: platform.credentials,
            metering: metering, generations: platform.generations)
        let echo = try await catalog.providers(Page()).items[0]
        for (name, price) in [("small", 1_000_000), ("large", 7_000_000)] as [(String, Int64)] {
            guard let price = Price(Credits(micro: price)) else { throw BadText(text: name) }
            _ = try await catalog.createModel(
                provider: echo.id, name: good(name), upstreamName: nil, price: price, by: .test)
        }
        ada = try await accounts.createAdmin(
            email: good("ada@example.com"), password: good("seven green boats at dawn"), accountName: good("Ada"),
            onlyFirst: true, by: .test)
        bob = try await accounts.createAdmin(
            email: good("bob@example.com"), password: good("eight blue kites at noon"), accountName: good("Bob"),
            onlyFirst: false, by: .test)
        cat = try await applications.create(
            Self.draft("Cat", ["small", "large", "echo"]), in: ada.account, by: .test)
        dog = try await applications.create(Self.draft("Dog", ["small"]), in: ada.account, by: .test)
        owl = try await applications.create(Self.draft("Owl", ["small"]), in: bob.account, by: .test)
    }

    private static func draft(_ name: String, _ models: [String]) throws -> ApplicationDraft {
        ApplicationDraft(
            name: try good(name),
            chat: try ChatSettings(
                model: good("small"), allowedModels: models.map { try good($0) }, systemPrompt: nil, parameters: .none))
    }

    // MARK: Steps

    typealias Key = (credential: Credential, key: String)

    func issue(_ terms: KeyTerms = KeyTerms(), for app: Application? = nil, of user: User? = nil) async throws -> Key {
        let draft = CredentialDraft(application: (app ?? cat).id, name: .empty, terms: terms)
        let (credential, secret) = try await credentials.issue(draft, by: user ?? ada, .test)
        return (credential, secret.exposed())
    }

    @discardableResult
    func edit(_ credential: Credential, _ change: (inout CredentialEdit) throws -> Void) async throws -> Credential {
        var edit = CredentialEdit()
        try change(&edit)
        return try await credentials.edit(credential.id, of: credential.account, edit, by: .test)
    }

    func grant(_ credits: Int64, to user: User? = nil) async throws {
        _ = try await metering.grant(
            Credits(micro: credits * 1_000_000), to: (user ?? ada).account, reason: .empty, by: .test)
    }

    func suspend(_ isSuspended: Bool) async throws {
        var edit = AccountEdit()
        edit.isSuspended = isSuspended
        _ = try await accounts.edit(ada.account, edit, by: .test)
    }

    func ask(
        _ key: String, _ app: Application? = nil, model: String? = nil, from address: IPAddress? = nil,
        on origin: WebOrigin = .none, for user: User? = nil, charging request: String? = nil
    ) async throws -> Verification {
        try await calls.verify(
            Question(
                key: key, application: (app ?? cat).id, model: model.map { Text($0) }, address: address, origin: origin),
            for: (user ?? ada).account, charging: request, at: hand.now)
    }

    /// Every row of every table.
    func dump() async throws -> [String: [String]] {
        try await database.read { connection in
            let tables = try connection.rows("SELECT name FROM sqlite_master WHERE type = 'table'").map {
                try $0.text("name")
            }
            var dump: [String: [String]] = [:]
            for table in tables {
                let columns = try connection.rows("SELECT name FROM pragma_table_info('\(table)')").map {
                    try $0.text("name")
                }
                let row = columns.map { "quote(\($0))" }.joined(separator: " || '|' || ")
                dump[table] = try connection.rows("SELECT \(row) AS row FROM \(table) ORDER BY row").map {
                    try $0.text("row")
                }
            }
            return dump
        }
    }

    func count(_ table: String, where condition: String = "1") async throws -> Int64 {
        try await database.read {
            try $0.row("SELECT count(*) AS n FROM \(table) WHERE \(condition)")?.integer("n") ?? 0
        }
    }
}
