import Audit
import Catalog
import Database
import Secrets
import Synchronization
import TestSupport
import Testing
import Values

/// The number of the last edit that has returned.
private final class LastEdit: Sendable {
    let number = Mutex(0)
}

@Suite("Changes of the catalog")
struct CatalogChangesTests {
    private let house: CatalogHouse
    private var catalog: Catalog { house.catalog }

    init() throws { house = try CatalogHouse() }

    private func model(_ name: String, at provider: Provider, upstream: String? = nil) async throws -> Model {
        try await catalog.createModel(
            provider: provider.id, name: good(name), upstreamName: upstream.map { try good($0) }, price: .standard,
            by: .test)
    }

    @Test("a fresh catalog has the built-in provider and its model, which may be deleted") func builtIn() async throws {
        let echo = try #require(try await catalog.providers(Page()).items.first)
        #expect(echo.kind == .echo)
        guard case .echo? = try await catalog.route("echo")?.upstream else {
            Issue.record("the model echo doesn't lead to the built-in provider")
            return
        }
        let model = try #require(try await catalog.models(Page()).items.first)
        try await catalog.deleteModel(model.id, by: .test)
        try await catalog.deleteProvider(echo.id, by: .test)
        #expect(try await catalog.route("echo") == nil)
        #expect(try await catalog.providers(Page()).items.isEmpty)
    }

    @Test("a name is taken once, by creation and by edit") func nameTaken() async throws {
        let first = try await house.openAI("first")
        let second = try await house.openAI("second")
        await #expect(throws: CatalogError.nameTaken) { try await house.openAI("first") }
        let edit = ProviderEdit(name: try good("first"), baseURL: nil, secret: .keep)
        await #expect(throws: CatalogError.nameTaken) { try await catalog.editProvider(second.id, edit, by: .test) }
        #expect(try await catalog.editProvider(first.id, edit, by: .test).name == "first")
        _ = try await model("m", at: first)
        await #expect(throws: CatalogError.nameTaken) { try await model("m", at: second) }
    }

    @Test("a provider with models can't be deleted; without them it can, once") func providerInUse() async throws {
        let provider = try await house.openAI("p")
        let model = try await model("m", at: provider)
        await #expect(throws: CatalogError.providerInUse) { try await catalog.deleteProvider(provider.id, by: .test) }
        #expect(try await house.upstream(of: "m") != nil)
        try await catalog.deleteModel(model.id, by: .test)
        try await catalog.deleteProvider(provider.id, by: .test)
        await #expect(throws: CatalogError.notFound) { try await catalog.deleteProvider(provider.id, by: .test) }
        await #expect(throws: CatalogError.notFound) { try await catalog.deleteModel(model.id, by: .test) }
        await #expect(throws: CatalogError.notFound) { try await catalog.provider(provider.id) }
        await #expect(throws: CatalogError.noSuchProvider) { try await self.model("m", at: provider) }
    }

    @Test("a model keeps what it does with system messages", arguments: SystemMessages.allCases)
    func systemMessages(setting: SystemMessages) async throws {
        let provider = try await house.openAI("p")
        let made = try await catalog.createModel(
            provider: provider.id, name: good("m"), upstreamName: nil, systemMessages: setting, price: .standard,
            by: .test)
        #expect(made.systemMessages == setting)
        let listed = try await catalog.models(Page()).items.first { $0.id == made.id }
        #expect(listed?.systemMessages == setting)
        #expect(try await catalog.route("m")?.systemMessages == setting)
        #expect(try await catalog.route("echo")?.systemMessages == .keep)
    }

    @Test("editing a provider binds the next route") func editBinds() async throws {
        let provider = try await house.openAI("p", url: "https://one.example", secret: "one")
        _ = try await model("m", at: provider, upstream: "theirs")
        #expect(try await catalog.route("m")?.upstreamName == "theirs")
        _ = try await catalog.editProvider(
            provider.id, ProviderEdit(name: nil, baseURL: good("https://two.example"), secret: .keep), by: .test)
        #expect(try await house.upstream(of: "m")! == ("https://two.example", "one"))
        _ = try await catalog.editProvider(
            provider.id, ProviderEdit(name: good("q"), baseURL: nil, secret: .set(Secret("2"))), by: .test)
        #expect(try await house.upstream(of: "m")! == ("https://two.example", "2"))
        let bare = try await catalog.editProvider(
            provider.id, ProviderEdit(name: nil, baseURL: nil, secret: .clear), by: .test)
        #expect(!bare.hasSecret)
        #expect(try await house.upstream(of: "m")! == ("https://two.example", nil))
    }

    @Test("an edit of a provider that changes nothing writes nothing, and none tells the secret") func nothing()
        async throws
    {
        let hand = HandClock(Timestamp(microseconds: 1_780_315_200_000_000))
        let house = try CatalogHouse(hand)
        let provider = try await house.openAI("p", url: "https://one.example", secret: "one")
        func count() async throws -> Int { try await house.audit.entries(AuditFilter(), Page()).items.count }
        func edit(_ secret: SecretEdit<Secret>) async throws -> Provider {
            try await house.catalog.editProvider(
                provider.id, ProviderEdit(name: good("p"), baseURL: good("https://one.example/"), secret: secret),
                by: .test)
        }
        let before = try await count()
        hand.advance(.seconds(1))
        for secret in [.keep, .set(Secret("one"))] as [SecretEdit<Secret>] {
            #expect(try await edit(secret).updatedAt == provider.updatedAt)
        }
        #expect(try await count() == before)
        #expect(try await edit(.set(Secret("two"))).updatedAt == hand.now)
        #expect(try await house.audit.entries(AuditFilter(), Page()).items[0].detail == ["secret": "changed"])
        #expect(try await !edit(.clear).hasSecret)
        #expect(try await house.audit.entries(AuditFilter(), Page()).items[0].detail == ["secret": "null"])
        #expect(try await count() == before + 2)
        _ = try await edit(.clear)
        #expect(try await count() == before + 2)
    }

    @Test("a group that is retired once more leaves no entry") func sameRetirement() async throws {
        let hand = HandClock(Timestamp(microseconds: 1_780_315_200_000_000))
        let house = try CatalogHouse(hand)
        let catalog = house.catalog
        let group = try await catalog.createGroup(good("g"), .one, by: .test)
        hand.advance(.seconds(1))
        #expect(try await catalog.retireGroup("g", false, by: .test).updatedAt == group.updatedAt)
        let retired = try await catalog.retireGroup("g", true, by: .test)
        hand.advance(.seconds(1))
        #expect(try await catalog.retireGroup("g", true, by: .test).updatedAt == retired.updatedAt)
        await #expect(throws: CatalogError.notFound) { try await catalog.retireGroup("absent", true, by: .test) }
        #expect(try await house.audit.entries(AuditFilter(), Page()).items.map(\.action) == [.groupEdit, .groupCreate])
    }

    @Test("a model deleted and made again elsewhere leads elsewhere at once") func modelMoves() async throws {
        let one = try await house.openAI("one", url: "https://one.example")
        let two = try await house.openAI("two", url: "https://two.example")
        #expect(try await catalog.route("m") == nil)
        let first = try await model("m", at: one)
        #expect(try await house.upstream(of: "m")?.url == "https://one.example")
        try await catalog.deleteModel(first.id, by: .test)
        #expect(try await catalog.route("m") == nil)
        _ = try await model("m", at: two)
        #expect(try await house.upstream(of: "m")?.url == "https://two.example")
    }

    @Test("a route looked up after an edit returned is never older than that edit, under load") func neverStale()
        async throws
    {
        let provider = try await house.openAI("p", url: "https://example.com/0")
        _ = try await model("m", at: provider)
        let house = house
        let last = 40
        let edited = LastEdit()
        let looked = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    var count = 0
                    var atLeast = 0
                    while atLeast < last {
                        atLeast = edited.number.withLock { $0 }
                        let url = try #require(try await house.upstream(of: "m")?.url)
                        let seen = try #require(Int(url.dropFirst("https://example.com/".count)))
                        #expect(seen >= atLeast)
                        count += 1
                        // A look-up from memory never waits; without this the edits would get no thread.
                        await Task.yield()
                    }
                    return count
                }
            }
            for turn in 1...last {
                let edit = ProviderEdit(name: nil, baseURL: try good("https://example.com/\(turn)"), secret: .keep)
                _ = try await house.catalog.editProvider(provider.id, edit, by: .test)
                edited.number.withLock { $0 = turn }
            }
            return try await group.reduce(0, +)
        }
        #expect(looked > last)
    }

    @Test("the built-in provider takes a name, but neither address nor secret") func echoEdit() async throws {
        let echo = try #require(try await catalog.providers(Page()).items.first)
        let url = ProviderEdit(name: nil, baseURL: try good("https://example.com"), secret: .keep)
        await #expect(throws: CatalogError.echoTakesNo("base_url")) {
            try await catalog.editProvider(echo.id, url, by: .test)
        }
        let secret = ProviderEdit(name: nil, baseURL: nil, secret: .set(Secret("s")))
        await #expect(throws: CatalogError.echoTakesNo("secret")) {
            try await catalog.editProvider(echo.id, secret, by: .test)
        }
        let name = ProviderEdit(name: try good("Built in"), baseURL: nil, secret: .clear)
        #expect(try await catalog.editProvider(echo.id, name, by: .test).name == "Built in")
    }

    @Test("pages run from the newest to the oldest, without a gap or a repeat") func pages() async throws {
        for index in 0..<5 { _ = try await house.openAI("p\(index)") }
        var seen: [Provider] = []
        var after: Identifier?
        repeat {
            let page = try await catalog.providers(Page(limit: 2, after: after))
            seen += page.items
            after = page.next
        } while after != nil
        #expect(Set(seen.map(\.name)) == ["p0", "p1", "p2", "p3", "p4", "echo"])
        #expect(seen.count == 6)
        #expect(seen.map(\.id) == seen.map(\.id).sorted(by: >))
    }
}
