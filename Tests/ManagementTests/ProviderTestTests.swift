import Audit
import Catalog
import Database
import Management
import Secrets
import TestSupport
import Testing
import Values

@Suite("Testing a provider")
struct ProviderTestTests {
    private let house: ManagementHouse
    private let admin: Caller
    private let provider: Provider

    init() async throws {
        house = try ManagementHouse()
        admin = try await house.session(of: try await house.operators())
        provider = try await house.management.createProvider(
            admin,
            NewProvider(
                name: good("Far"), kind: .openai, baseURL: good("https://far.example/v1"), secret: good("its-secret")))
    }

    @Test("the stored secret and address are used, as they are now, and nothing is recorded") func stored() async throws
    {
        let before = try await house.management.listAudit(admin, AuditFilter(), Page()).0.items.count
        house.tester.tell(ProviderTest(status: 401, milliseconds: 5, models: nil, fault: .credentialRefused))
        #expect(try await house.management.testProvider(admin, provider.id).fault == .credentialRefused)
        guard case .openai(let base, let secret) = try #require(house.tester.asked.last) else {
            Issue.record("not asked there")
            return
        }
        #expect(base.text == "https://far.example/v1" && secret?.exposed() == "its-secret")
        let edit = try ProviderEdit(name: nil, baseURL: good("https://near.example"), secret: .clear)
        _ = try await house.management.updateProvider(admin, provider.id, edit)
        _ = try await house.management.testProvider(admin, provider.id)
        guard case .openai(let new, nil) = try #require(house.tester.asked.last) else {
            Issue.record("the secret was taken away")
            return
        }
        #expect(new.text == "https://near.example")
        // The one entry is that of the change.
        #expect(try await house.management.listAudit(admin, AuditFilter(), Page()).0.items.count == before + 1)
    }

    @Test("so many in a minute, and then one whenever there is room again") func pace() async throws {
        for _ in 0..<20 { _ = try await house.management.testProvider(admin, provider.id) }
        let refusal = await #expect(throws: Refusal.self) {
            try await house.management.testProvider(admin, provider.id)
        }
        #expect(refusal?.code == .tooManyTests && refusal?.retryAfter == 3)
        #expect(house.tester.asked.count == 20)
        house.hand.advance(.seconds(3))
        _ = try await house.management.testProvider(admin, provider.id)
        // Changes have a rate of their own.
        let edit = try ProviderEdit(name: good("Other"), baseURL: nil, secret: .keep)
        _ = try await house.management.updateProvider(admin, provider.id, edit)
    }

    @Test("one that isn't there is told so, and asks nobody") func absent() async throws {
        let refusal = await #expect(throws: Refusal.self) {
            try await house.management.testProvider(admin, Identifier(at: Timestamp(microseconds: 0), random: (1, 1)))
        }
        #expect(refusal?.code == .notFound && house.tester.asked.isEmpty)
    }

    @Test("models of one provider alone, page by page, and one model") func models() async throws {
        var made: [Identifier] = []
        for name in ["a", "b", "c"] {
            house.hand.advance(.seconds(1))
            let draft = try NewModel(provider: provider.id, name: good(name), upstreamName: nil, price: .standard)
            made.append(try await house.management.createModel(admin, draft).model.id)
        }
        let first = try await house.management.listModels(admin, of: provider.id, Page(limit: 2))
        #expect(first.items.map(\.model.name) == ["c", "b"] && first.next == made[1])
        let rest = try await house.management.listModels(admin, of: provider.id, Page(limit: 2, after: first.next))
        #expect(rest.items.map(\.model.name) == ["a"] && rest.next == nil)
        #expect(try await house.management.listModels(admin, Page()).items.count == 4)
        let one = try await house.management.getModel(admin, made[0])
        #expect(one.model.name == "a" && one.price == .standard && one.isForOperator)
    }
}
