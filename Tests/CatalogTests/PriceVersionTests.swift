import Audit
import Catalog
import Database
import TestSupport
import Testing
import Values

@Suite("Prices of models")
struct PriceVersionTests {
    private let hand = HandClock(Timestamp(rfc3339: "2026-12-10T12:00:00Z")!)
    private let house: CatalogHouse
    private let model: Model
    private var catalog: Catalog { house.catalog }

    init() async throws {
        house = try CatalogHouse(hand)
        let echo = try #require(try await house.catalog.providers(Page()).items.first)
        model = try await house.catalog.createModel(
            provider: echo.id, name: good("m"), upstreamName: nil, price: Self.price(10), by: .test)
        hand.advance(.seconds(60))
    }

    private static func price(_ credits: Int64) throws -> Price {
        try #require(Price(Credits(micro: credits * 1_000_000)))
    }

    @discardableResult
    private func add(_ credits: Int64, after seconds: Int64? = nil, to model: Identifier? = nil) async throws
        -> PriceVersion
    {
        try await catalog.addPrice(
            Self.price(credits), of: model ?? self.model.id,
            effectiveAt: seconds.map { hand.now.adding(.seconds($0)) }, by: .test)
    }

    /// What a call in the standard group costs now, as the gateway learns it.
    private func cost(_ name: String = "m") async throws -> String {
        let route = try #require(try await catalog.route(name))
        return try await catalog.quote(route, group: PricingGroup.standard, at: hand.now).cost.decimal
    }

    @Test("the built-in model costs 20 credits, a new one what it was made with") func first() async throws {
        #expect(try await cost("echo") == "20")
        #expect(try await cost() == "10")
        #expect(model.prices.map(\.effectiveAt) == [model.createdAt])
        #expect(model.price(at: hand.now)?.id == model.prices[0].id)
    }

    @Test("a price for now binds the next call") func now() async throws {
        #expect(try await cost() == "10")
        let version = try await add(11)
        #expect(version.effectiveAt == hand.now)
        #expect(try await cost() == "11")
        hand.advance(.microseconds(1))
        try await add(0)
        #expect(try await cost() == "0")
    }

    @Test("a quote says for how long it holds, be it of a price or of a multiplier") func spans() async throws {
        let second = try await add(11, after: 100)
        let multiplier = try await catalog.addMultiplier(
            .one, of: PricingGroup.standard, effectiveAt: hand.now.adding(.seconds(200)), by: .test)
        let third = try await add(12, after: 300)
        let route = try #require(try await catalog.route("m"))
        let edges = [
            Timestamp.earliest, second.effectiveAt, multiplier.effectiveAt, third.effectiveAt, Timestamp.latest,
        ]
        for (start, end) in zip(edges, edges.dropFirst()) {
            for time in [max(start, hand.now), Timestamp(microseconds: end.microseconds - 1)] {
                let quote = try await catalog.quote(route, group: PricingGroup.standard, at: time)
                #expect(quote.span == start..<end)
            }
        }
    }

    @Test("a price for later holds from its very microsecond, without anything that runs") func later() async throws {
        #expect(try await cost() == "10")
        let version = try await add(11, after: 3600)
        #expect(try await cost() == "10")
        hand.set(Timestamp(microseconds: version.effectiveAt.microseconds - 1))
        #expect(try await cost() == "10")
        hand.set(version.effectiveAt)
        #expect(try await cost() == "11")
        let route = try #require(try await catalog.route("m"))
        let quote = try await catalog.quote(route, group: PricingGroup.standard, at: hand.now)
        #expect(quote.price.id == version.id)
    }

    @Test("prices hold in the order of their times, not in that in which they were added") func order() async throws {
        try await add(13, after: 300)
        try await add(11, after: 100)
        try await add(12, after: 200)
        var seen: [String] = []
        for _ in 0..<5 {
            seen.append(try await cost())
            hand.advance(.seconds(100))
        }
        #expect(seen == ["10", "11", "12", "13", "13"])
    }

    @Test("a time has one price; a time that has come is too late for one") func times() async throws {
        try await add(11, after: 100)
        await #expect(throws: CatalogError.versionExists) { try await add(12, after: 100) }
        for past in [0, -1, -100_000] as [Int64] {
            await #expect(throws: CatalogError.effectiveInPast) { try await add(12, after: past) }
        }
        await #expect(throws: CatalogError.effectiveInPast) {
            try await catalog.addPrice(
                Self.price(1), of: model.id, effectiveAt: Timestamp(microseconds: .min), by: .test)
        }
        try await add(12)
        await #expect(throws: CatalogError.versionExists) { try await add(13) }
        #expect(try await cost() == "12")
        // Another model's times are its own.
        let echo = try #require(try await catalog.models(Page()).items.first { $0.name == "echo" })
        try await add(5, after: 100, to: echo.id)
        await #expect(throws: CatalogError.notFound) { try await add(1, to: Identifier(at: hand.now, random: (7, 7))) }
    }

    @Test("what has not begun can be withdrawn, until the microsecond before it does") func withdraw() async throws {
        #expect(try await cost() == "10")
        let first = try await add(11, after: 100)
        let second = try await add(12, after: 200)
        hand.set(Timestamp(microseconds: first.effectiveAt.microseconds - 1))
        try await catalog.withdrawPrice(first.id, of: model.id, by: .test)
        await #expect(throws: CatalogError.notFound) {
            try await catalog.withdrawPrice(first.id, of: model.id, by: .test)
        }
        hand.advance(.seconds(50))
        #expect(try await cost() == "10")
        hand.set(second.effectiveAt)
        for id in [second.id, model.prices[0].id] {
            await #expect(throws: CatalogError.versionInEffect) {
                try await catalog.withdrawPrice(id, of: model.id, by: .test)
            }
        }
        #expect(try await cost() == "12")
    }

    @Test("a price is withdrawn by its own model's name only") func withdrawElsewhere() async throws {
        let version = try await add(11, after: 100)
        let echo = try #require(try await catalog.models(Page()).items.first { $0.name == "echo" })
        await #expect(throws: CatalogError.notFound) {
            try await catalog.withdrawPrice(version.id, of: echo.id, by: .test)
        }
        try await catalog.withdrawPrice(version.id, of: model.id, by: .test)
        // Its time is free again.
        try await add(12, after: 100)
    }

    @Test("a price that a clock used while it was ahead can be withdrawn, and the charges made by it stay explained")
    func withdrawUsed() async throws {
        let version = try await add(11, after: 86_400)
        let now = hand.now
        hand.set(version.effectiveAt)
        #expect(try await cost() == "11")
        hand.set(now)
        try await catalog.withdrawPrice(version.id, of: model.id, by: .test)
        #expect(try await catalog.prices(of: model.id, Page()).items.count == 1)
        hand.set(version.effectiveAt)
        #expect(try await cost() == "10")
        let kept = try await house.database.read { try Catalog.price(version.id, in: $0) }
        #expect(kept?.price.credits.decimal == "11")
    }

    @Test("a price made for now by a clock that was ahead can be withdrawn, but not the only one there is")
    func withdrawAhead() async throws {
        let now = hand.now
        hand.set(now.adding(.seconds(365 * 86_400)))
        let version = try await add(11)
        let echo = try #require(try await catalog.providers(Page()).items.first)
        let other = try await catalog.createModel(
            provider: echo.id, name: good("ahead"), upstreamName: nil, price: Self.price(7), by: .test)
        hand.set(now)
        try await catalog.withdrawPrice(version.id, of: model.id, by: .test)
        #expect(try await cost("ahead") == "7")
        await #expect(throws: CatalogError.versionInEffect) {
            try await catalog.withdrawPrice(other.prices[0].id, of: other.id, by: .test)
        }
        try await add(8, to: other.id)
        try await catalog.withdrawPrice(other.prices[0].id, of: other.id, by: .test)
        hand.set(now.adding(.seconds(365 * 86_400)))
        #expect(try await cost("ahead") == "8")
    }

    @Test("the history runs from the newest to the oldest, in pages") func history() async throws {
        for number in 1...4 {
            hand.advance(.milliseconds(5))
            try await add(Int64(number), after: Int64(number))
        }
        var seen: [PriceVersion] = []
        var after: Identifier?
        repeat {
            let page = try await catalog.prices(of: model.id, Page(limit: 2, after: after))
            seen += page.items
            after = page.next
        } while after != nil
        #expect(seen.map(\.price.credits.decimal) == ["4", "3", "2", "1", "10"])
        #expect(seen.allSatisfy { $0.model == model.id })
        let nobody = Identifier(at: hand.now, random: (7, 7))
        await #expect(throws: CatalogError.notFound) { try await catalog.prices(of: nobody, Page()) }
    }

    @Test("a deleted model's prices stay for the charges that name them, and its name begins anew") func deleted()
        async throws
    {
        let version = try await add(11)
        try await catalog.deleteModel(model.id, by: .test)
        await #expect(throws: CatalogError.notFound) { try await catalog.prices(of: model.id, Page()) }
        await #expect(throws: CatalogError.notFound) { try await add(12) }
        await #expect(throws: CatalogError.notFound) {
            try await catalog.withdrawPrice(version.id, of: model.id, by: .test)
        }
        let kept = try await house.database.read { try Catalog.price(version.id, in: $0) }
        #expect(kept?.price.credits.decimal == "11")
        let echo = try #require(try await catalog.providers(Page()).items.first)
        let again = try await catalog.createModel(
            provider: echo.id, name: good("m"), upstreamName: nil, price: Self.price(7), by: .test)
        #expect(try await cost() == "7")
        #expect(try await catalog.prices(of: again.id, Page()).items.count == 1)
    }

    @Test("a clock set back to before a model was made finds its first price") func clockBack() async throws {
        try await add(11, after: 100)
        hand.set(Timestamp(microseconds: model.createdAt.microseconds - 1_000_000))
        #expect(try await cost() == "10")
    }

    @Test("each change leaves an audit entry that says what it was; a refused one leaves none") func audited()
        async throws
    {
        let audit = house.audit
        let before = try await audit.entries(AuditFilter(), Page()).items.count
        let author = audit.author(actor: Identifier(at: hand.now, random: (3, 4)), address: "192.0.2.7")
        let version = try await catalog.addPrice(
            Self.price(11), of: model.id, effectiveAt: hand.now.adding(.seconds(1)), by: author)
        await #expect(throws: CatalogError.versionExists) { try await add(12, after: 1) }
        hand.advance(.milliseconds(2))
        try await catalog.withdrawPrice(version.id, of: model.id, by: author)
        await #expect(throws: CatalogError.notFound) {
            try await catalog.withdrawPrice(version.id, of: model.id, by: author)
        }
        let entries = try await audit.entries(AuditFilter(), Page()).items
        #expect(entries.count == before + 2)
        #expect(entries.prefix(2).map(\.action) == [.priceWithdraw, .priceCreate])
        for entry in entries.prefix(2) {
            #expect(entry.object == model.id.description)
            #expect(entry.actor == author.actor)
            #expect(entry.address == "192.0.2.7")
            #expect(entry.detail == ["price": "11", "effective_at": version.effectiveAt.rfc3339])
        }
    }

    @Test("a price looked up after a change returned is never older than it, under load") func neverStale() async throws
    {
        try await add(1)
        hand.advance(.milliseconds(1))
        let catalog = catalog
        let hand = hand
        let model = model.id
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<200 {
                        let before = hand.now
                        let route = try #require(try await catalog.route("m"))
                        let price = try #require(route.prices.inEffect(at: .init(microseconds: .max)))
                        // The clock is moved after each change has returned.
                        #expect(price.effectiveAt.adding(.milliseconds(1)) >= before)
                        await Task.yield()
                    }
                }
            }
            for _ in 0..<30 {
                _ = try await catalog.addPrice(.standard, of: model, effectiveAt: nil, by: .test)
                hand.advance(.milliseconds(1))
            }
            try await group.waitForAll()
        }
    }
}
