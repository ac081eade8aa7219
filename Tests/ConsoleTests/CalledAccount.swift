import Accounts
import Applications
import Calls
import Credentials
import Management
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Console

/// An account whose one app was called at the edges of days, as its pages show it.
final class CalledAccount {
    let house: ManagementHouse
    let router: ConsoleRouter
    let admin: User
    let root: User
    let app: Identifier
    let key: Identifier
    private let caller: Caller
    private let token: String

    /// When the calls were: one in June, six in July, and three of them on the last day.
    static let calls = [
        "2026-06-30T23:59:59.999999Z", "2026-07-01T00:00:00Z", "2026-07-01T11:00:00Z", "2026-07-14T23:59:59.999999Z",
        "2026-07-15T00:00:00Z", "2026-07-15T12:59:59.999999Z", "2026-07-15T13:00:00Z",
    ]

    /// With 1,000 credits, of which each call takes 20.
    init() async throws {
        house = try ManagementHouse()
        router = try ConsoleRouter(house)
        admin = try await house.operators()
        root = try await house.tenant("Ada", for: admin)
        let olga = try await house.caller(by: house.token(Scope.allCases, of: admin))
        caller = try await house.caller(by: house.token(Scope.allCases.filter { !$0.needsAdmin }, of: root))
        app = try await house.management.createApplication(
            caller,
            NewApplication(
                name: good("Cat"), kind: .chat, model: good("echo"), allowedModels: nil, systemPrompt: nil,
                parameters: .none)
        ).id
        let made = try await house.credentials.issue(
            CredentialDraft(application: app, name: .empty, terms: KeyTerms()), by: root, .test)
        (key, token) = (made.0.id, made.1.exposed())
        try set("2026-06-29T12:00:00Z")
        _ = try await house.management.createGrant(
            olga, to: root.account, Credits(micro: 1_000_000_000), reason: good("top-up <b>1</b>"))
        for time in Self.calls {
            try set(time)
            try await call(time)
        }
    }

    func set(_ time: String) throws { house.hand.set(try #require(Timestamp(rfc3339: time))) }

    func call(_ name: String) async throws {
        let answer = try await house.management.verifyKey(
            caller,
            KeyQuestion(
                key: good(token), application: app, model: good("echo"), address: nil, origin: nil, isCharged: true,
                name: good(name)))
        try #require(answer.charge != nil)
    }

    /// The app and its key.
    func deleteEverything() async throws {
        try await house.management.deleteApplication(caller, app, withKeys: true)
    }
}
