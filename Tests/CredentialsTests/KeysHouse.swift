import Accounts
import Applications
import Catalog
import Credentials
import Database
import Policy
import Secrets
import TestSupport
import Values

@testable import Audit

/// Everything that keys need, over a database file of its own, at noon of a day in June. Goes, with its folder,
/// when the suite that holds it goes.
final class KeysHouse: House, Sendable {
    /// 2026-06-01T12:00:00Z
    static let noon = Timestamp(microseconds: 1_780_315_200_000_000)

    let platform: Platform
    /// The root user of the first account.
    let ada: User
    /// An app of hers.
    let cat: Application

    init() async throws {
        platform = try Platform(at: Self.noon)
        ada = try await platform.accounts.createAdmin(
            email: good("ada@example.com"), password: good("seven green boats at dawn"), accountName: good("Ada"),
            onlyFirst: true, by: .test)
        cat = try await platform.applications.create(Self.draft("Cat"), in: ada.account, by: .test)
    }

    /// Keys as after a restart: the same file, nothing in memory.
    func restarted(pool: Argon2Pool = TestPool.shared) throws -> Credentials {
        try Platform.credentials(
            over: database, hand.clock, accounts,
            Applications(database: database, generations: Generations(), entropy: .system, clock: hand.clock),
            pool: pool)
    }

    // MARK: Steps

    static func draft(_ name: String, prompt: String? = nil) throws -> ApplicationDraft {
        ApplicationDraft(
            name: try good(name),
            chat: try ChatSettings(
                model: good("echo"), allowedModels: nil, systemPrompt: prompt.map { try good($0) }, parameters: .none))
    }

    func app(_ name: String, of user: User) async throws -> Application {
        try await applications.create(Self.draft(name), in: user.account, by: .test)
    }

    /// Another tenant.
    func bob() async throws -> User {
        let account = try await accounts.create(AccountDraft(name: good("Bob"), cap: .standard), by: .test)
        let (_, token) = try await accounts.invite(
            good("bob@example.com"), as: .root, to: account.id, for: ada, by: .test)
        return try await accounts.accept(
            invitation: token.exposed(), password: good("eight blue kites at noon"), by: .test)
    }

    func cap(_ value: Int) async throws {
        var edit = AccountEdit()
        edit.cap = CredentialCap(value)
        _ = try await accounts.edit(ada.account, edit, by: .test)
    }

    /// One key of hers for an app, the cat's unless told.
    func issue(
        for app: Application? = nil, until expiry: Timestamp? = nil, with credentials: Credentials? = nil
    ) async throws -> (credential: Credential, key: String) {
        let draft = CredentialDraft(application: (app ?? cat).id, name: .empty, terms: KeyTerms(expiresAt: expiry))
        let (credential, secret) = try await (credentials ?? self.credentials).issue(draft, by: ada, .test)
        return (credential, secret.exposed())
    }

    func delete(_ credential: Credential) async throws {
        try await credentials.delete(credential.id, of: credential.account, by: .test)
    }

    /// Whether a key is one that lives.
    func opens(_ key: String, with credentials: Credentials? = nil) async throws -> Bool {
        do {
            _ = try await (credentials ?? self.credentials).verify(key, at: hand.now)
            return true
        } catch Denial.invalidKey {
            return false
        }
    }

}
