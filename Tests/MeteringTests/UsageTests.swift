import Accounts
import Applications
import Catalog
import Credentials
import Database
import TestSupport
import Testing
import Values

import struct Applications.Application

@testable import Metering

@Suite("Reports on usage")
struct UsageTests {
    private let house: MeteringHouse
    private let account: Identifier
    private let keys: [Credential]
    private let dog: Application

    /// Calls of two keys of two apps on three days.
    init() async throws {
        house = try await MeteringHouse()
        account = house.ada.account
        dog = try await house.app("Dog", of: house.ada)
        let first = try await house.key()
        // Reports go by identifiers, and those by time.
        house.hand.set(house.hand.now.adding(.milliseconds(1)))
        keys = [first, try await house.key(of: house.ada, dog)]
        try await house.grant(10_000)
        for (day, cat, dog) in [("2026-06-10", 1, 2), ("2026-06-12", 3, 0), ("2026-07-01", 0, 4)] {
            house.hand.set(try moment(day + "T23:59:59.999999Z"))
            if day == "2026-07-01" { try await house.metering.fold() }
            for _ in 0..<cat { _ = try await house.charged(keys[0], cost: Credits(micro: 1)) }
            for _ in 0..<dog { _ = try await house.charged(keys[1], cost: Credits(micro: 10)) }
        }
        // Half of it is folded.
        house.release(try await house.hold(keys[0]))
        _ = try await house.hold(keys[0])
    }

    private func days(_ from: String, _ until: String) throws -> ClosedRange<Day> {
        try #require(Day(from))...(try #require(Day(until)))
    }

    private func report(
        _ days: ClosedRange<Day>, by: [UsageRequest.Dimension] = [.day],
        _ change: (inout UsageRequest) -> Void = { _ in }
    ) async throws -> [UsageLine] {
        var request = UsageRequest(account: account, days: days, by: by)
        change(&request)
        return try await house.metering.report(request)
    }

    private func year() throws -> ClosedRange<Day> { try days("2026-01-01", "2026-12-31") }

    @Test("by day, and the days are those on which calls were admitted") func byDay() async throws {
        let lines = try await report(year())
        #expect(lines.map { $0.day?.text } == ["2026-06-10", "2026-06-12", "2026-07-01"])
        #expect(lines.map(\.calls) == [3, 3, 4])
        #expect(lines.map(\.amount.micro) == [21, 3, 40])
        #expect(lines.allSatisfy { $0.credential == nil && $0.application == nil && $0.model == nil })
    }

    @Test("both ends of the days count") func ends() async throws {
        #expect(try await report(days("2026-06-10", "2026-06-12")).map(\.calls) == [3, 3])
        #expect(try await report(days("2026-06-11", "2026-06-11")).isEmpty)
        #expect(try await report(days("2026-06-11", "2026-06-30")).map(\.calls) == [3])
        #expect(try await report(days("2026-07-01", "2026-07-01")).map(\.calls) == [4])
    }

    @Test("by key, by app, by model, and by several") func dimensions() async throws {
        let byKey = try await report(year(), by: [.credential])
        #expect(byKey.map(\.credential) == [keys[0].id, keys[1].id])
        #expect(byKey.map(\.calls) == [4, 6])
        #expect(byKey.map(\.amount.micro) == [4, 60])
        let byApp = try await report(year(), by: [.application])
        #expect(Set(byApp.map(\.application)) == [house.app.id, dog.id])
        let byModel = try await report(year(), by: [.model])
        #expect(byModel.map(\.model) == ["echo"])
        #expect(byModel.map(\.calls) == [10])
        let byAll = try await report(year(), by: UsageRequest.Dimension.allCases)
        #expect(byAll.count == 4)
        #expect(byAll.map(\.calls) == [1, 2, 3, 4])
        #expect(byAll.map(\.credential) == [keys[0].id, keys[1].id, keys[0].id, keys[1].id])
        #expect(byAll.allSatisfy { $0.day != nil && $0.credential != nil && $0.application != nil && $0.model != nil })
    }

    @Test("only what was asked for: a key, an app, a model") func filters() async throws {
        #expect(try await report(year()) { $0.credential = keys[0].id }.map(\.calls) == [1, 3])
        #expect(try await report(year()) { $0.application = dog.id }.map(\.calls) == [2, 4])
        #expect(try await report(year()) { $0.model = "echo" }.map(\.calls) == [3, 3, 4])
        #expect(try await report(year()) { $0.model = "parrot" }.isEmpty)
        let nothing = try await report(year()) {
            $0.credential = keys[0].id
            $0.application = dog.id
        }
        #expect(nothing.isEmpty)
    }

    @Test("what is held or released is in no report, and what is charged is in the next") func current() async throws {
        let today = try days("2026-07-01", "2026-07-01")
        let hold = try await house.hold(keys[0])
        #expect(try await report(today).map(\.calls) == [4])
        try await house.metering.charge(hold)
        #expect(try await report(today).map(\.calls) == [5])
        #expect(try await report(today).map(\.amount.micro) == [20_000_040])
    }

    @Test("another account's calls are in no report of this one") func otherAccount() async throws {
        let bob = try await house.bob()
        let key = try await house.key(of: bob.user, bob.app)
        _ = try await house.metering.grant(Credits(20), to: bob.user.account, reason: .empty, by: .test)
        _ = try await house.charged(key)
        #expect(try await report(year()).map(\.calls) == [3, 3, 4])
        #expect(try await report(year()) { $0.credential = key.id }.isEmpty)
        #expect(try await report(year()) { $0.account = bob.user.account }.map(\.calls) == [1])
    }

    @Test("ten thousand lines are answered, one more is too many") func tooMany() async throws {
        func fill(_ count: Int) async throws {
            try await house.tamper(
                """
                INSERT INTO usage_days
                  (account_id, day, credential_id, application_id, model, price_id, multiplier_id, calls, amount)
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
                SELECT '\(account)', 30000, '\(keys[0].id)', '\(dog.id)', 'model-' || i, 'p', 'm', 1, 1 FROM n
                """)
        }
        let then = Day(number: 30_000)...Day(number: 30_000)
        try await fill(10_000)
        #expect(try await report(then, by: [.model]).count == 10_000)
        try await house.tamper("UPDATE usage_days SET model = model || '-x' WHERE model = 'model-1'")
        try await house.tamper(
            """
            INSERT INTO usage_days SELECT account_id, day, credential_id, application_id, 'model-1', price_id,
              multiplier_id, calls, amount FROM usage_days WHERE model = 'model-2'
            """)
        await #expect(throws: MeteringError.tooManyRows(limit: 10_000)) { try await report(then, by: [.model]) }
        #expect(try await report(then, by: [.day]).map(\.calls) == [10_001])
    }
}

@Suite("Previews of a multiplier")
struct PreviewTests {
    private let house: MeteringHouse
    private let key: Credential

    init() async throws {
        house = try await MeteringHouse()
        try await house.grant(100_000)
        key = try await house.key()
    }

    private func multiplier(_ text: String) throws -> Multiplier { try #require(Multiplier(decimal: text)) }

    /// A charged call at today's price of a model in a group.
    private func call(_ group: String, model: String = "echo", by caller: Credential? = nil) async throws {
        let caller = caller ?? key
        let route = try #require(try await house.catalog.route(model))
        let quote = try await house.catalog.quote(route, group: group, at: house.hand.now)
        var ask = MeteringHouse.Ask(key: caller, cost: quote.cost, time: house.hand.now, model: model)
        (ask.price, ask.multiplier) = (quote.price.id, quote.multiplier.id)
        guard case .held(let hold) = try await house.outcome(of: ask) else { throw NotHeld() }
        try await house.metering.charge(hold)
    }

    private func preview(
        _ group: String, _ text: String, days: ClosedRange<Day>? = nil
    ) async throws -> PricingPreview {
        let today = Day(of: house.hand.now)
        return try await house.metering.preview(group: group, try multiplier(text), days: days ?? today...today)
    }

    @Test("the charges of the group, and what they would have been; nothing changes") func sums() async throws {
        _ = try await house.catalog.createGroup(good("half"), multiplier("0.5"), by: .test)
        for _ in 0..<3 { try await call("half") }
        try await call("standard")
        let balance = try await house.balance()
        let found = try await preview("half", "0.75")
        #expect(found.total.calls == 3)
        #expect(found.total.charged == Credits(30))
        #expect(found.total.wouldBe == Credits(45))
        #expect(found.accounts.map(\.account) == [key.account])
        #expect(try await house.balance() == balance)
        #expect(try await house.catalog.group("half").multipliers.count == 1)
        #expect(try await preview("standard", "0").total.wouldBe == .zero)
        #expect(try await preview("standard", "0").total.charged == Credits(20))
        #expect(try await house.difference() == nil)
    }

    @Test("each call is rounded up by itself, as it would have been") func rounding() async throws {
        let echo = try #require(try await house.catalog.models(Page()).items.first)
        house.hand.set(house.hand.now.adding(.seconds(1)))
        _ = try await house.catalog.addPrice(
            try #require(Price(Credits(micro: 1))), of: echo.id, effectiveAt: nil, by: .test)
        for _ in 0..<3 { try await call("standard") }
        let found = try await preview("standard", "0.333333")
        #expect(found.total.charged == Credits(micro: 3))
        #expect(found.total.wouldBe == Credits(micro: 3))
    }

    @Test("every price and every version of the multiplier that the group had in those days") func versions()
        async throws
    {
        let provider = try #require(try await house.catalog.providers(Page()).items.first)
        _ = try await house.catalog.createModel(
            provider: provider.id, name: good("large"), upstreamName: nil,
            price: try #require(Price(Credits(100))), by: .test)
        try await call("standard")
        try await call("standard", model: "large")
        house.hand.set(house.hand.now.adding(.seconds(60)))
        _ = try await house.catalog.addMultiplier(multiplier("3"), of: "standard", effectiveAt: nil, by: .test)
        try await call("standard")
        let found = try await preview("standard", "2")
        #expect(found.total.calls == 3)
        #expect(found.total.charged == Credits(20 + 100 + 60))
        #expect(found.total.wouldBe == Credits(40 + 200 + 40))
    }

    @Test("only the days that were asked for, both ends counting") func days() async throws {
        for day in ["2026-06-10", "2026-06-11", "2026-06-12"] {
            house.hand.set(try moment(day + "T23:59:59.999999Z"))
            try await call("standard")
        }
        func calls(_ from: String, _ until: String) async throws -> Int64 {
            let days = try #require(Day(from))...(try #require(Day(until)))
            return try await preview("standard", "1", days: days).total.calls
        }
        #expect(try await calls("2026-06-10", "2026-06-12") == 3)
        #expect(try await calls("2026-06-11", "2026-06-12") == 2)
        #expect(try await calls("2026-06-12", "2026-06-12") == 1)
        #expect(try await calls("2026-06-13", "2026-12-31") == 0)
        #expect(try await preview("absent", "1").total.calls == 0)
    }

    @Test("accounts come with the greatest charge first") func accounts() async throws {
        let bob = try await house.bob()
        _ = try await house.metering.grant(Credits(100), to: bob.user.account, reason: .empty, by: .test)
        let other = try await house.key(of: bob.user, bob.app)
        try await call("standard")
        for _ in 0..<2 { try await call("standard", by: other) }
        let found = try await preview("standard", "10")
        #expect(found.accounts.map(\.account) == [bob.user.account, key.account])
        #expect(found.accounts.map(\.sum.charged) == [Credits(40), Credits(20)])
        #expect(found.accounts.map(\.sum.wouldBe) == [Credits(400), Credits(200)])
        for _ in 0..<2 { try await call("standard") }
        #expect(try await preview("standard", "10").accounts.first?.account == key.account)
    }

    @Test("a hundred accounts are listed, all of them are in the sum") func manyAccounts() async throws {
        try await house.tamper(
            """
            INSERT INTO usage_days
              (account_id, day, credential_id, application_id, model, price_id, multiplier_id, calls, amount)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101)
            SELECT printf('00000000-0000-7000-8000-%012d', i), \(Day(of: house.hand.now).number), '\(key.id)',
              '\(key.application)', 'echo', '\(MeteringHouse.priceID)', '\(MeteringHouse.multiplierID)', 1, i FROM n
            """)
        let found = try await preview("standard", "1")
        #expect(found.accounts.count == 100)
        #expect(found.accounts.map(\.sum.charged.micro) == (2...101).reversed().map(Int64.init))
        #expect(found.total.calls == 101)
        #expect(found.total.charged == Credits(micro: 101 * 102 / 2))
    }

    @Test("a sum that would be too large is refused, never wrong") func tooLarge() async throws {
        let provider = try #require(try await house.catalog.providers(Page()).items.first)
        _ = try await house.catalog.createModel(
            provider: provider.id, name: good("dear"), upstreamName: nil,
            price: try #require(Price(Credits(1_000_000_000))), by: .test)
        _ = try await house.metering.grant(
            Credits(micro: 9_000_000_000_000_000_000), to: key.account, reason: .empty, by: .test)
        for _ in 0..<10 { try await call("standard", model: "dear") }
        #expect(try await preview("standard", "900").total.wouldBe == Credits(9_000_000_000_000))
        await #expect(throws: MeteringError.balanceTooLarge) { try await preview("standard", "1000") }
    }
}
