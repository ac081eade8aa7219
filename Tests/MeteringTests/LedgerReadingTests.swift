import Accounts
import Applications
import Audit
import Catalog
import Credentials
import Database
import TestSupport
import Testing
import Values

@testable import Metering

@Suite("Reading the ledger")
struct LedgerReadingTests {
    private let house: MeteringHouse
    private let keys: [Credential]
    private let charged: Hold
    /// Not folded.
    private let late: Hold

    init() async throws {
        house = try await MeteringHouse()
        try await house.grant(100)
        keys = [try await house.key(), try await house.key()]
        charged = try await house.charged(keys[0])
        try await house.metering.fold()
        house.release(try await house.hold(keys[1]))
        late = try await house.charged(keys[1], cost: Credits(1))
        _ = try await house.metering.adjust(
            house.ada.account, by: Credits(-5), reason: good("a mistake"),
            by: house.audit.author(actor: house.ada.id, address: ""))
    }

    private func entries(
        kind: LedgerEntry.Kind? = nil, of key: Credential? = nil, account: Identifier? = nil, _ page: Page = Page()
    ) async throws -> Listing<LedgerEntry> {
        try await house.metering.entries(
            LedgerFilter(account: account ?? house.ada.account, kind: kind, credential: key?.id), page)
    }

    @Test("the newest comes first, in pages without a gap or a repeat") func pages() async throws {
        let all = try await entries().items
        #expect(all.map(\.kind) == [.adjustment, .charge, .charge, .grant])
        #expect(all.map(\.id) == all.map(\.id).sorted(by: >))
        var seen: [LedgerEntry] = []
        var after: Identifier?
        repeat {
            let page = try await entries(Page(limit: 3, after: after))
            seen += page.items
            after = page.next
        } while after != nil
        #expect(seen.map(\.id) == all.map(\.id))
    }

    @Test("only one kind, only one key, or both") func filters() async throws {
        #expect(try await entries(kind: .charge).items.map(\.id) == [late.id, charged.id])
        #expect(try await entries(kind: .grant).items.map(\.amount) == [Credits(100)])
        #expect(try await entries(of: keys[0]).items.map(\.id) == [charged.id])
        #expect(try await entries(of: keys[1]).items.map(\.id) == [late.id])
        #expect(try await entries(kind: .charge, of: keys[0]).items.map(\.id) == [charged.id])
        #expect(try await entries(kind: .grant, of: keys[0]).items.isEmpty)
    }

    @Test("the calls of a key since a time are counted, folded or not") func counted() async throws {
        func calls(_ key: Credential, since time: Timestamp) async throws -> CallCount {
            try await house.metering.calls(of: key.id, in: house.ada.account, since: time)
        }
        for _ in 0..<2 {
            for key in keys {
                let count = try await calls(key, since: MeteringHouse.noon.adding(.seconds(-3600)))
                #expect(count.calls == 1 && !count.isAtLeast)
                #expect(try await calls(key, since: MeteringHouse.noon.adding(.seconds(3600))).calls == 0)
            }
            try await house.metering.fold()
        }
    }

    @Test("calls from before a time are not counted since it, though the clock was ahead when they were numbered")
    func countedByTime() async throws {
        house.hand.set(MeteringHouse.noon.adding(.seconds(7200)))
        _ = try await house.charged(keys[0], cost: Credits(1))
        house.hand.set(MeteringHouse.noon)
        for _ in 0..<3 { _ = try await house.charged(keys[1], cost: Credits(1)) }
        let since = MeteringHouse.noon.adding(.seconds(3600))
        for _ in 0..<2 {
            for (key, calls) in zip(keys, [1, 0] as [Int64]) {
                let count = try await house.metering.calls(of: key.id, in: house.ada.account, since: since)
                #expect(count.calls == calls)
            }
            try await house.metering.fold()
        }
    }

    @Test("it is the same before a fold and after it") func folded() async throws {
        func all() async throws -> [String] { try await entries().items.map { "\($0)" } }
        let before = try await all()
        try await house.metering.fold()
        #expect(try await all() == before)
    }

    @Test("a charge tells of its call, with the versions that made its price", arguments: [false, true])
    func details(isFolded: Bool) async throws {
        let hold = isFolded ? charged : late
        let entry = try #require(try await entries(of: keys[isFolded ? 0 : 1]).items.first)
        #expect(entry.id == hold.id)
        #expect(entry.amount == hold.cost)
        #expect(entry.createdAt == hold.call.time)
        let call = try #require(entry.call)
        #expect(call.subject == hold.call.subject)
        #expect(call.subject.application == house.app.id)
        #expect(call.price?.price == .standard)
        #expect(call.price?.id == call.subject.priceVersion)
        #expect(call.multiplier?.multiplier == .one)
        #expect(call.multiplier?.id == call.subject.multiplierVersion)
        #expect(call.multiplier?.group == "standard")
    }

    @Test("a correction tells who made it and why, and of no call") func correction() async throws {
        let entry = try #require(try await entries(kind: .adjustment).items.first)
        #expect(entry.amount == Credits(-5))
        #expect(entry.reason == "a mistake")
        #expect(entry.actor == house.ada.id)
        #expect(entry.call == nil)
    }

    @Test("what a charge was made with stays readable when prices change and the model goes") func history()
        async throws
    {
        _ = try await house.catalog.createGroup(good("half"), try #require(Multiplier(decimal: "0.5")), by: .test)
        let echo = try #require(try await house.catalog.models(Page()).items.first)
        let route = try #require(try await house.catalog.route("echo"))
        let quote = try await house.catalog.quote(route, group: "half", at: house.hand.now)
        var ask = MeteringHouse.Ask(key: keys[0], cost: quote.cost, time: house.hand.now)
        (ask.price, ask.multiplier) = (quote.price.id, quote.multiplier.id)
        #expect(quote.cost == Credits(10))
        guard case .held(let hold) = try await house.outcome(of: ask) else { throw NotHeld() }
        try await house.metering.charge(hold)
        house.hand.set(house.hand.now.adding(.seconds(1)))
        _ = try await house.catalog.addPrice(
            try #require(Price(Credits(7))), of: echo.id, effectiveAt: nil, by: .test)
        _ = try await house.catalog.addMultiplier(.one, of: "half", effectiveAt: nil, by: .test)
        _ = try await house.catalog.retireGroup("half", true, by: .test)
        for key in keys { try await house.credentials.delete(key.id, of: key.account, by: .test) }
        try await house.credentials.deleteApplication(
            house.app.id, of: house.ada.account, andCredentials: true, by: .test)
        try await house.catalog.deleteModel(echo.id, by: .test)
        let entry = try #require(try await entries(kind: .charge).items.first)
        let call = try #require(entry.call)
        #expect(call.price?.price == .standard)
        #expect(call.price?.effectiveAt == quote.price.effectiveAt)
        #expect(call.multiplier?.multiplier == Multiplier(decimal: "0.5"))
        #expect(call.multiplier?.effectiveAt == quote.multiplier.effectiveAt)
        #expect(call.multiplier?.group == "half")
        #expect(call.price?.price.cost(call.multiplier?.multiplier ?? .one) == entry.amount)
    }

    @Test("another account's entries are not there, by its key neither") func otherAccount() async throws {
        let bob = try await house.bob()
        #expect(try await entries(account: bob.user.account).items.isEmpty)
        #expect(try await entries(of: keys[0], account: bob.user.account).items.isEmpty)
    }

    @Test("balances of many accounts at once, with zeros for those that have nothing") func balances() async throws {
        let bob = try await house.bob()
        let found = try await house.metering.balances(of: [house.ada.account, bob.user.account])
        #expect(found[house.ada.account]?.amount == Credits(74))
        #expect(found[bob.user.account] == Balance())
    }

    @Test(
        "what a filter lets through is found in a long ledger, page by page, without a gap",
        arguments: [9_999, 10_000, 10_001, 25_000])
    func longLedger(count: Int) async throws {
        try await house.metering.fold()
        let start = MeteringHouse.noon.milliseconds << 21 + 1000
        try await house.tamper(
            """
            INSERT INTO charges (id, subject, amount, time_offset)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
            SELECT \(start) + i, (SELECT min(id) FROM charge_subjects), 0, 0 FROM n
            """)
        try await house.metering.fold()
        let last = try await house.charged(keys[1], cost: .zero)
        var seen: [LedgerEntry] = []
        var pages = 0
        var after: Identifier?
        repeat {
            let page = try await entries(of: keys[1], Page(limit: 1, after: after))
            seen += page.items
            after = page.next
            pages += 1
        } while after != nil && pages < 100
        #expect(Set(seen.map(\.id)) == [last.id, late.id])
        #expect(seen.count == 2)
        #expect(pages < 10)
    }
}
