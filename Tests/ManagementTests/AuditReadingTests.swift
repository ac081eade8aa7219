import Accounts
import Applications
import Audit
import Database
import TestSupport
import Testing
import Values

@testable import Management

@Suite("What people read of the audit record")
struct AuditReadingTests {
    private let house: ManagementHouse
    private let olga: Caller
    private let admin: User
    private let root: User
    private let ada: Caller
    private var management: Management { house.management }

    /// An app that a tenant made, and credits that an admin gave.
    init() async throws {
        house = try ManagementHouse()
        admin = try await house.operators()
        root = try await house.tenant("Ada", for: admin)
        olga = try await house.caller(by: house.token(Scope.allCases, of: admin))
        ada = try await house.caller(by: house.token(Scope.allCases.filter { !$0.needsAdmin }, of: root))
        _ = try await house.management.createApplication(
            ada,
            NewApplication(
                name: good("Cat"), kind: .chat, model: good("echo"), allowedModels: nil, systemPrompt: nil,
                parameters: .none))
        _ = try await house.management.createGrant(olga, to: root.account, Credits(micro: 1_000_000), reason: nil)
    }

    @Test("a tenant finds by name only its own people, and an admin everybody") func auditActors() async throws {
        var filter = AuditFilter()
        filter.actor = admin.id
        #expect(try await management.listAudit(ada, filter, Page()).0.items.isEmpty)
        filter.account = root.account
        #expect(try await management.listAudit(olga, filter, Page()).0.items.map(\.action) == [.creditsGrant])
        filter = AuditFilter()
        filter.actor = root.id
        let own = try await management.listAudit(ada, filter, Page()).0.items
        #expect(own.contains { $0.action == .applicationCreate } && own.allSatisfy { $0.actor == root.id })
        filter = AuditFilter()
        filter.action = .creditsGrant
        #expect(try await management.listAudit(ada, filter, Page()).0.items.map(\.account) == [root.account])
    }
}
