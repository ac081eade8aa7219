import Accounts
import Applications
import Catalog
import Credentials
import Database
import Management
import Policy
import Secrets
import TestSupport
import Values

/// What all callers ask about. Everything is the account's here, or the catalog's.
struct MatrixObjects: Sendable {
    let account: Identifier
    /// The only root user of the account.
    let user: Identifier
    let application: Identifier
    /// Never revealable.
    let credential: Identifier
    let leaked: Identifier
    /// Has a model.
    let provider: Identifier
    /// Is an app's.
    let model: Identifier
    /// In effect, as is the multiplier.
    let price: Identifier
    let group: GroupName
    let multiplier: Identifier
}

/// What is made for being ended; each caller gets one that still is.
enum Throwaway: Sendable, CaseIterable {
    case credential, application, platformToken, user, invitation, session
}

/// A deployment with two tenants and their operators, everybody who may ask for something, and what they ask about.
actor MatrixWorld {
    let house: ManagementHouse
    let objects: MatrixObjects
    let askers: [MatrixAsker]
    private let here: User
    private var throwaways: [Throwaway: Identifier] = [:]
    private var made = 0

    init() async throws {
        // The account here asks for far more changes at once than anybody's does in a minute.
        house = try ManagementHouse(changesPerMinute: 60_000)
        let admin = try await house.operators()
        here = try await house.tenant("Here", for: admin)
        let elsewhere = try await house.tenant("Elsewhere", for: admin)
        objects = try await Self.objects(in: house, of: here)
        askers = try await MatrixAsker.everybody(in: house, here: here, elsewhere: elsewhere, admin: admin)
    }

    private static func objects(in house: ManagementHouse, of here: User) async throws -> MatrixObjects {
        let provider = try await house.catalog.createProvider(
            ProviderDraft(name: good("Upstream"), upstream: .echo), by: .test)
        let model = try await house.catalog.createModel(
            provider: provider.id, name: good("small"), upstreamName: nil, price: .standard, by: .test)
        let group = try await house.catalog.createGroup(good("gold"), .one, by: .test)
        let application = try await house.applications.create(draft("App"), in: here.account, by: .test)
        func credential() async throws -> Identifier {
            try await house.credentials.issue(
                CredentialDraft(application: application.id, name: .empty, terms: KeyTerms()), by: here, .test
            ).0.id
        }
        return MatrixObjects(
            account: here.account, user: here.id, application: application.id, credential: try await credential(),
            leaked: try await credential(), provider: provider.id, model: model.id, price: try first(model.prices).id,
            group: try good(group.name), multiplier: try first(group.multipliers).id)
    }

    private static func first<T>(_ items: [T]) throws -> T {
        guard let item = items.first else { throw BadText(text: "nothing of \(T.self)") }
        return item
    }

    static func draft(_ name: String) throws -> ApplicationDraft {
        ApplicationDraft(
            name: try good(name),
            chat: try ChatSettings(model: good("small"), allowedModels: nil, systemPrompt: nil, parameters: .none))
    }

    /// The object that may be ended; made when the last one was.
    func throwaway(_ kind: Throwaway) async throws -> Identifier {
        if let there = throwaways[kind] { return there }
        let new = try await make(kind)
        throwaways[kind] = new
        return new
    }

    func isEnded(_ kind: Throwaway) { throwaways[kind] = nil }

    private func make(_ kind: Throwaway) async throws -> Identifier {
        made += 1
        let email = "guest\(made)@here.example"
        switch kind {
        case .credential:
            let draft = CredentialDraft(application: objects.application, name: .empty, terms: KeyTerms())
            return try await house.credentials.issue(draft, by: here, .test).0.id
        case .application:
            return try await house.applications.create(Self.draft("App \(made)"), in: here.account, by: .test).id
        case .platformToken:
            return try await house.accounts.issueToken(
                name: good("tool"), scopes: [.usageRead], expiresAt: nil, for: here, by: .test
            ).0.id
        case .user: return try await house.join(here.account, email, as: .member, for: here).id
        case .invitation:
            return try await house.accounts.invite(
                good(email), as: .member, to: here.account, for: here, by: .test
            ).0.id
        case .session:
            guard let id = try await house.session(of: here).actor?.session?.id else {
                throw BadText(text: "no session")
            }
            return id
        }
    }

    /// Whether what all asked about is as it was.
    func isWhole() async throws -> Bool {
        let roots = try await house.accounts.users(of: here.account, Page()).items.filter { $0.role == .root }
        let key = try await house.credentials.find(objects.credential, of: here.account)
        let models = try await house.catalog.models(Page()).items.map(\.id)
        _ = try await house.applications.find(objects.application, of: here.account)
        return roots.map(\.id) == [here.id] && key.isEnabled && models.contains(objects.model)
    }
}
