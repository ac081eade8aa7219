import Accounts
import Applications
import Credentials
import Database
import Foundation
import Management
import Policy
import Secrets
import TestSupport
import Values

@testable import Console

/// An account with one app, whose root user is signed in at the console.
struct KeyHouse {
    let router: ConsoleRouter
    let root: User
    let admin: User
    let app: Identifier
    let csrf: String

    var house: ManagementHouse { router.house }

    init(language: String = "en") async throws {
        router = try ConsoleRouter(try ManagementHouse())
        router.language = language
        admin = try await router.house.operators()
        root = try await router.house.tenant("Ada", for: admin)
        app = try await Self.application("Support <b>desk</b>", of: root, in: router.house)
        try await router.signIn(root)
        csrf = try await router.get("/console/keys/new").csrf ?? ""
    }

    static func application(_ name: String, of root: User, in house: ManagementHouse) async throws -> Identifier {
        let chat = try ChatSettings(model: good("echo"), allowedModels: nil, systemPrompt: nil, parameters: .none)
        return try await house.applications.create(
            ApplicationDraft(name: good(name), chat: chat), in: root.account, by: .test
        ).id
    }

    /// A key, made below the console.
    func key(_ name: String, _ terms: KeyTerms = KeyTerms(), isRevealable: Bool = false) async throws -> IssuedKey {
        try await house.management.createCredential(
            try await house.session(of: root),
            CredentialDraft(application: app, name: good(name), terms: terms, isRevealable: isRevealable))
    }

    func keys() async throws -> [Credential] { try await house.credentials.list(of: root.account, atMost: 100).items }

    func send(_ path: String, _ fields: [(String, String)]) async throws -> ConsoleRouter.Answer {
        try await router.post(path, [("csrf", csrf)] + fields)
    }

    /// The form of a new key, sent as the page has it.
    func create(_ fields: [(String, String)], once: String = UUID().uuidString) async throws -> ConsoleRouter.Answer {
        let names = Set(fields.map(\.0))
        let standing = [
            ("once", once), ("name", "Website"), ("application_id", app.description), ("revealable", "no"),
            ("monthly_limit", ""), ("limited_amount", ""), ("expiry", "never"), ("expired_at", ""),
            ("ip_allowlist", ""), ("host", ""), ("group", ""), ("environment", ""), ("labels", ""),
        ]
        return try await send("/console/keys/new", standing.filter { !names.contains($0.0) } + fields)
    }
}
