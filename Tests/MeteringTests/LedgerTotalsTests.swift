import Accounts
import Database
import TestSupport
import Testing
import Values

@testable import Metering

@Suite("Sums of the ledger")
struct LedgerTotalsTests {
    @Test("grants that do not fit together in 64 bits have no sum, and the balance that they leave has") func large()
        async throws
    {
        let house = try await MeteringHouse()
        let most = Credits(micro: 9_000_000_000_000_000_000)
        let bob = try await house.bob()
        for _ in 0..<2 {
            _ = try await house.metering.grant(most, to: bob.user.account, reason: .empty, by: .test)
            _ = try await house.metering.adjust(
                bob.user.account, by: Credits(micro: -most.micro), reason: good("back"), by: .test)
        }
        let (entries, totals) = try await house.metering.entriesWithTotals(
            LedgerFilter(account: bob.user.account), Page())
        #expect(entries.items.count == 4 && totals.entries == 4)
        #expect(totals.granted == nil && totals.adjusted == nil)
        #expect(totals.charged == .zero && totals.change == .zero)
    }

    @Test("of a part of a day so many charges are read, and beyond that nothing is said of charges") func window()
        async throws
    {
        let house = try await MeteringHouse()
        try await house.grant(100)
        let key = try await house.key()
        for _ in 0..<3 { _ = try await house.charged(key, cost: Credits(1)) }
        try await house.metering.fold()
        let (day, noon) = (Day(of: MeteringHouse.noon), MeteringHouse.noon)
        func totals(
            _ from: Timestamp, _ until: Timestamp, kind: LedgerEntry.Kind? = nil, window: Int
        ) async throws -> LedgerTotals {
            var filter = LedgerFilter(account: house.ada.account, kind: kind)
            (filter.from, filter.until) = (from, until)
            return try await house.database.read { [filter] in try LedgerTotals(filter, window: window, $0) }
        }
        let end = noon.adding(.seconds(1))
        let all = try await totals(day.start, end, window: 3)
        #expect(all.entries == 4 && all.charged == Credits(3) && all.change == Credits(97))
        let some = try await totals(day.start, end, window: 2)
        #expect(some.entries == nil && some.charged == nil && some.change == nil && some.granted == Credits(100))
        // Whole days are added up already, and corrections are no charges.
        #expect(try await totals(day.start, Day(number: day.number + 1).start, window: 0).entries == 4)
        #expect(try await totals(day.start, end, kind: .grant, window: 0).entries == 1)
    }

    @Test(
        "times are whole days and what is left at their ends",
        arguments: [
            ("2026-06-10T00:00:00Z", "2026-06-12T00:00:00Z", "2026-06-10 2026-06-11", 0),
            ("2026-06-10T00:00:00Z", "2026-06-11T00:00:00Z", "2026-06-10 2026-06-10", 0),
            ("2026-06-09T23:59:59.999999Z", "2026-06-11T00:00:00.000001Z", "2026-06-10 2026-06-10", 2),
            ("2026-06-10T00:00:00.000001Z", "2026-06-12T00:00:00Z", "2026-06-11 2026-06-11", 1),
            ("2026-06-10T10:00:00Z", "2026-06-11T12:00:00Z", nil, 1),
            ("2026-06-10T10:00:00Z", "2026-06-10T10:00:00.000001Z", nil, 1),
            ("2026-06-10T10:00:00Z", "2026-06-10T10:00:00Z", nil, 0),
        ] as [(String, String, String?, Int)])
    func parts(from: String, until: String, days: String?, edges: Int) throws {
        let times = try moment(from)..<moment(until)
        let parts = DayParts(times)
        #expect(parts.days.map { "\($0.lowerBound.text) \($0.upperBound.text)" } == days)
        #expect(parts.edges.count == edges)
        // Nothing is in two of them, and nothing is left out.
        let whole = parts.days.map { $0.lowerBound.start..<Day(number: $0.upperBound.number + 1).start }
        let all = (parts.edges + (whole.map { [$0] } ?? [])).sorted { $0.lowerBound < $1.lowerBound }
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        #expect(times.isEmpty ? all.isEmpty : all.first?.lowerBound == times.lowerBound)
        #expect(times.isEmpty || all.last?.upperBound == times.upperBound)
    }

    @Test("times without a beginning or an end are days alone on that side") func open() throws {
        let noon = try moment("2026-06-10T12:00:00Z")
        let day = Day(of: noon)
        #expect(DayParts(.earliest..<Timestamp.latest).edges.isEmpty)
        #expect(DayParts(.earliest..<noon).edges == [day.start..<noon])
        #expect(DayParts(.earliest..<noon).days?.upperBound.number == day.number - 1)
        #expect(DayParts(noon..<Timestamp.latest).edges == [noon..<Day(number: day.number + 1).start])
        #expect(DayParts(noon..<Timestamp.latest).days?.lowerBound.number == day.number + 1)
    }
}
