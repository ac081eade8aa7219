import Audit
import Catalog
import Database
import TestSupport
import Testing
import Values

@Suite("Pricing groups")
struct PricingGroupTests {
    private let hand = HandClock(Timestamp(rfc3339: "2026-12-10T12:00:00Z")!)
    private let house: CatalogHouse
    private var catalog: Catalog { house.catalog }

    init() throws { house = try CatalogHouse(hand) }

    private func multiplier(_ text: String) throws -> Multiplier { try #require(Multiplier(decimal: text)) }

    @discardableResult
    private func create(_ name: String, _ text: String = "1") async throws -> PricingGroup {
        try await catalog.createGroup(good(name), multiplier(text), by: .test)
    }

    @discardableResult
    private func add(_ text: String, after seconds: Int64? = nil, to group: String = "half") async throws
        -> MultiplierVersion
    {
        try await catalog.addMultiplier(
            multiplier(text), of: group, effectiveAt: seconds.map { hand.now.adding(.seconds($0)) }, by: .test)
    }

    /// What a call of the built-in model costs now.
    private func cost(in group: String) async throws -> String {
        let route = try #require(try await catalog.route("echo"))
        return try await catalog.quote(route, group: group, at: hand.now).cost.decimal
    }

    private func isChoosable(_ name: String) async throws -> Bool {
        try await house.database.read { try Catalog.isChoosable(name, in: $0) }
    }

    @Test("there is a group from the start, and it costs what the price says") func standard() async throws {
        let group = try await catalog.group(PricingGroup.standard)
        #expect(group.name == "standard")
        #expect(!group.isRetired)
        #expect(group.multiplier(at: hand.now)?.multiplier == .one)
        #expect(try await cost(in: "standard") == "20")
    }

    @Test("a group multiplies the price; its name is taken once") func create() async throws {
        try await create("half", "0.5")
        try await create("free", "0")
        try await create("dear", "1000")
        #expect(try await cost(in: "half") == "10")
        #expect(try await cost(in: "free") == "0")
        #expect(try await cost(in: "dear") == "20000")
        for name in ["half", "standard"] {
            await #expect(throws: CatalogError.nameTaken) { try await create(name) }
        }
        #expect(try await cost(in: "half") == "10")
        await #expect(throws: CatalogError.notFound) { try await cost(in: "absent") }
    }

    @Test(
        "names of groups", arguments: ["a", "0", "a-b_c", "standard2", "9lives", String(repeating: "g", count: 40)])
    func goodName(text: String) { #expect(GroupName(text)?.text == text) }

    @Test(
        "what is no name of a group",
        arguments: [
            "", "-a", "_a", "A", "Half", "a b", " a", "a ", "a.b", "a/b", "ä", "a\n", "a\u{0}", "ａ", "a\u{301}", "٣",
            "a,b", String(repeating: "g", count: 41),
        ])
    func badName(text: String) { #expect(GroupName(text) == nil) }

    @Test("a multiplier for now binds the next call, one for later its very microsecond") func versions() async throws {
        try await create("half", "0.5")
        hand.advance(.seconds(1))
        #expect(try await cost(in: "half") == "10")
        try await add("0.25")
        #expect(try await cost(in: "half") == "5")
        let later = try await add("2", after: 100)
        hand.set(Timestamp(microseconds: later.effectiveAt.microseconds - 1))
        #expect(try await cost(in: "half") == "5")
        hand.set(later.effectiveAt)
        #expect(try await cost(in: "half") == "40")
        let route = try #require(try await catalog.route("echo"))
        #expect(try await catalog.quote(route, group: "half", at: hand.now).multiplier.id == later.id)
        // And the others are as they were.
        #expect(try await cost(in: "standard") == "20")
    }

    @Test("a time has one multiplier; a time that has come is too late for one") func times() async throws {
        try await create("half", "0.5")
        await #expect(throws: CatalogError.versionExists) { try await add("2") }
        try await add("2", after: 100)
        await #expect(throws: CatalogError.versionExists) { try await add("3", after: 100) }
        for past in [0, -1] as [Int64] {
            await #expect(throws: CatalogError.effectiveInPast) { try await add("3", after: past) }
        }
        try await add("3", after: 100, to: "standard")
        await #expect(throws: CatalogError.notFound) { try await add("3", to: "absent") }
    }

    @Test("what has not begun can be withdrawn, of its own group, until the microsecond before it does")
    func withdraw() async throws {
        try await create("half", "0.5")
        let first = try await add("2", after: 100)
        let second = try await add("3", after: 200)
        await #expect(throws: CatalogError.notFound) {
            try await catalog.withdrawMultiplier(first.id, of: "standard", by: .test)
        }
        hand.set(Timestamp(microseconds: first.effectiveAt.microseconds - 1))
        #expect(try await cost(in: "half") == "10")
        try await catalog.withdrawMultiplier(first.id, of: "half", by: .test)
        await #expect(throws: CatalogError.notFound) {
            try await catalog.withdrawMultiplier(first.id, of: "half", by: .test)
        }
        hand.advance(.seconds(1))
        #expect(try await cost(in: "half") == "10")
        hand.set(second.effectiveAt)
        #expect(try await cost(in: "half") == "60")
        await #expect(throws: CatalogError.versionInEffect) {
            try await catalog.withdrawMultiplier(second.id, of: "half", by: .test)
        }
        let standard = try #require(try await catalog.multipliers(of: "standard", Page()).items.first)
        await #expect(throws: CatalogError.versionInEffect) {
            try await catalog.withdrawMultiplier(standard.id, of: "standard", by: .test)
        }
    }

    @Test(
        "a multiplier that a clock used while it was ahead can be withdrawn, and the charges made by it stay explained")
    func withdrawUsed() async throws {
        try await create("half", "0.5")
        let now = hand.now
        let version = try await add("3", after: 86_400)
        hand.set(version.effectiveAt)
        #expect(try await cost(in: "half") == "60")
        hand.set(now)
        try await catalog.withdrawMultiplier(version.id, of: "half", by: .test)
        hand.set(version.effectiveAt)
        #expect(try await cost(in: "half") == "10")
        let kept = try await house.database.read { try Catalog.multiplier(version.id, in: $0) }
        #expect(kept?.group == "half")
        let every = try await house.database.read { try Catalog.multiplierIDs(of: "half", in: $0) }
        #expect(every.contains(version.id))
        #expect(try await catalog.multipliers(of: "half", Page()).items.count == 1)
        // Its time is free again.
        hand.set(now)
        try await add("4", after: 86_400)
    }

    @Test("the history of a group runs from the newest to the oldest, in pages") func history() async throws {
        try await create("half", "0.5")
        for number in 1...4 {
            hand.advance(.milliseconds(5))
            try await add(String(number), after: Int64(10 - number))
        }
        var seen: [MultiplierVersion] = []
        var after: Identifier?
        repeat {
            let page = try await catalog.multipliers(of: "half", Page(limit: 2, after: after))
            seen += page.items
            after = page.next
        } while after != nil
        #expect(seen.map(\.multiplier.decimal) == ["4", "3", "2", "1", "0.5"])
        await #expect(throws: CatalogError.notFound) { try await catalog.multipliers(of: "absent", Page()) }
    }

    @Test("a retired group can't be chosen any more, and goes on pricing for whoever has it") func retired()
        async throws
    {
        try await create("half", "0.5")
        #expect(try await isChoosable("half"))
        #expect(try await cost(in: "half") == "10")
        #expect(try await catalog.retireGroup("half", true, by: .test).isRetired)
        #expect(try await !isChoosable("half"))
        #expect(try await cost(in: "half") == "10")
        hand.advance(.seconds(1))
        try await add("0.25")
        #expect(try await cost(in: "half") == "5")
        // Its name stays taken.
        await #expect(throws: CatalogError.nameTaken) { try await create("half") }
        #expect(try await !catalog.retireGroup("half", false, by: .test).isRetired)
        #expect(try await isChoosable("half"))
        #expect(try await !isChoosable("absent"))
    }

    @Test("the standard group stays; what is not there can't be retired") func standardStays() async throws {
        await #expect(throws: CatalogError.standardGroup) {
            try await catalog.retireGroup("standard", true, by: .test)
        }
        #expect(try await isChoosable("standard"))
        #expect(try await !catalog.retireGroup("standard", false, by: .test).isRetired)
        await #expect(throws: CatalogError.notFound) { try await catalog.retireGroup("absent", true, by: .test) }
    }

    @Test("groups are listed by name, in pages, and to a tenant only those that are usable") func list() async throws {
        for name in ["c", "a", "b"] { try await create(name) }
        func names(_ usable: Set<String>?, after: String = "", limit: Int = 100) async throws -> [String] {
            try await catalog.groups(usable: usable, after: after, limit: limit).map(\.name)
        }
        #expect(try await names(nil) == ["a", "b", "c", "standard"])
        #expect(try await names(nil, limit: 2) == ["a", "b"])
        #expect(try await names(nil, after: "b", limit: 2) == ["c", "standard"])
        #expect(try await names(nil, after: "standard").isEmpty)
        #expect(try await names(["standard", "b"]) == ["b", "standard"])
        #expect(try await names(["standard", "b"], after: "b") == ["standard"])
        #expect(try await names(["standard", "b"], limit: 1) == ["b"])
        #expect(try await names([]).isEmpty)
    }

    @Test("each change leaves an audit entry that says what it was") func audited() async throws {
        hand.advance(.seconds(1))
        try await create("half", "0.5")
        hand.advance(.seconds(1))
        let version = try await add("2", after: 100)
        hand.advance(.seconds(1))
        try await catalog.withdrawMultiplier(version.id, of: "half", by: .test)
        hand.advance(.seconds(1))
        _ = try await catalog.retireGroup("half", true, by: .test)
        await #expect(throws: CatalogError.self) { try await create("half") }
        let entries = try await house.audit.entries(AuditFilter(), Page()).items
        #expect(entries.map(\.action) == [.groupEdit, .multiplierWithdraw, .multiplierCreate, .groupCreate])
        #expect(entries.allSatisfy { $0.object == "half" && $0.account == nil })
        let detail = ["multiplier": "2", "effective_at": version.effectiveAt.rfc3339]
        #expect(entries.map(\.detail) == [["retired": "true"], detail, detail, ["multiplier": "0.5"]])
    }
}
