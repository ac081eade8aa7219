import Accounts
import Applications
import Credentials
import Database
import TestSupport
import Testing
import Values

import struct Applications.Application

@testable import Metering

/// Whatever a filter lets through is listed, page by page, and summed up: held against a plain look at all entries.
@Suite("Filters of the ledger")
struct LedgerFilterTests {
    private let house: MeteringHouse
    private let dog: Application
    private let keys: [Credential]
    private static let edges = [
        "2026-06-10T00:00:00Z", "2026-06-10T23:59:59.999999Z", "2026-06-11T00:00:00Z", "2026-06-11T10:59:59.999999Z",
        "2026-06-11T11:00:00Z", "2026-06-13T23:59:59.999999Z", "2026-06-14T00:00:00Z",
    ]

    /// Calls of two apps and two models at the edges of days and of a day elsewhere, with a correction at each.
    init() async throws {
        house = try await MeteringHouse()
        dog = try await house.app("Dog", of: house.ada)
        keys = [try await house.key(), try await house.key(), try await house.key(of: house.ada, dog)]
        house.hand.set(try moment("2026-06-09T00:00:00Z"))
        try await house.grant(1000)
        for (turn, edge) in Self.edges.enumerated() {
            house.hand.set(try moment(edge))
            for (place, key) in keys.enumerated() {
                var ask = house.ask(key, cost: Credits(micro: Int64(turn * 10 + place)))
                ask.model = place == 1 ? "parrot" : "echo"
                guard case .held(let hold) = try await house.outcome(of: ask) else { throw NotHeld() }
                try await house.metering.charge(hold)
            }
            _ = try await house.metering.adjust(
                house.ada.account, by: Credits(micro: turn % 2 == 0 ? 7 : -5), reason: good("edge"), by: .test)
            // Some of it is folded.
            if turn == 4 { try await house.metering.fold() }
        }
    }

    private func all(_ filter: LedgerFilter, limit: Int = 3) async throws -> [LedgerEntry] {
        var seen: [LedgerEntry] = []
        var after: Identifier?
        repeat {
            let page = try await house.metering.entries(filter, Page(limit: limit, after: after))
            #expect(page.items.count <= limit)
            seen += page.items
            after = page.next
        } while after != nil && seen.count < 1000
        return seen
    }

    private func passes(_ filter: LedgerFilter, _ entry: LedgerEntry) -> Bool {
        let subject = entry.call?.subject
        return (filter.kind == nil || entry.kind == filter.kind)
            && (filter.credential == nil || subject?.credential == filter.credential)
            && (filter.application == nil || subject?.application == filter.application)
            && (filter.model == nil || subject?.model == filter.model)
            && (filter.from.map { entry.createdAt >= $0 } ?? true)
            && (filter.until.map { entry.createdAt < $0 } ?? true)
    }

    /// Of each filter: the entries and the sums are those of a plain look.
    private func check(_ filter: LedgerFilter, among everything: [LedgerEntry]) async throws {
        let expected = everything.filter { passes(filter, $0) }
        #expect(try await all(filter).map(\.id) == expected.map(\.id), "\(filter)")
        let (_, totals) = try await house.metering.entriesWithTotals(filter, Page(limit: 1))
        func sum(_ kind: LedgerEntry.Kind) -> Int64 {
            expected.filter { $0.kind == kind }.reduce(0) { $0 + $1.amount.micro }
        }
        #expect(totals.entries == Int64(expected.count), "\(filter)")
        #expect(totals.granted?.micro == sum(.grant))
        #expect(totals.adjusted?.micro == sum(.adjustment))
        #expect(totals.charged?.micro == sum(.charge), "\(filter)")
        #expect(totals.change?.micro == sum(.grant) + sum(.adjustment) - sum(.charge))
    }

    private func filters() throws -> [LedgerFilter] {
        let plain = LedgerFilter(account: house.ada.account)
        var filters = [plain, plain, plain, plain, plain, plain]
        filters[1].credential = keys[1].id
        filters[2].application = dog.id
        filters[3].model = "echo"
        (filters[4].credential, filters[4].model) = (keys[0].id, "parrot")
        (filters[5].application, filters[5].model) = (house.app.id, "parrot")
        for kind in LedgerEntry.Kind.allCases {
            filters += filters[..<6].map { filter in
                var copy = filter
                copy.kind = kind
                return copy
            }
        }
        return filters
    }

    @Test("by key, app, model, kind and time, alone and together", arguments: [false, true])
    func filtered(isFolded: Bool) async throws {
        if isFolded { try await house.metering.fold() }
        let everything = try await all(LedgerFilter(account: house.ada.account), limit: 100)
        #expect(everything.count == 1 + 4 * Self.edges.count)
        let moments = try [nil] + Self.edges.map { try moment($0) }
        for filter in try filters() {
            for from in moments {
                for until in moments {
                    if let from, let until, from >= until { continue }
                    var timed = filter
                    (timed.from, timed.until) = (from, until)
                    try await check(timed, among: everything)
                }
            }
        }
    }

    @Test("a moment is in the span that begins with it, and not in the one that ends with it") func halfOpen()
        async throws
    {
        var filter = LedgerFilter(account: house.ada.account, kind: .charge)
        (filter.from, filter.until) = (try moment(Self.edges[2]), try moment(Self.edges[4]))
        #expect(try await all(filter).count == 6)
        filter.until = try moment("2026-06-11T11:00:00.000001Z")
        #expect(try await all(filter).count == 9)
        filter.from = try moment("2026-06-11T00:00:00.000001Z")
        #expect(try await all(filter).count == 6)
        filter.from = filter.until
        #expect(try await all(filter).isEmpty)
    }

    @Test("the sum of the days is the total of any span of whole days, and that of the report on usage") func days()
        async throws
    {
        let days = try #require(Day("2026-06-09"))...(try #require(Day("2026-06-14")))
        for isFolded in [false, true] {
            if isFolded { try await house.metering.fold() }
            let report = try await house.metering.report(
                UsageRequest(account: house.ada.account, days: days, by: [.day]))
            var sum: Int64 = 0
            for line in report {
                let day = try #require(line.day)
                var filter = LedgerFilter(account: house.ada.account, kind: .charge)
                (filter.from, filter.until) = (day.start, Day(number: day.number + 1).start)
                let (_, totals) = try await house.metering.entriesWithTotals(filter, Page())
                #expect(totals.charged == line.amount && totals.entries == line.calls)
                sum += line.amount.micro
            }
            var filter = LedgerFilter(account: house.ada.account, kind: .charge)
            filter.from = days.lowerBound.start
            let (_, totals) = try await house.metering.entriesWithTotals(filter, Page())
            #expect(totals.charged?.micro == sum && report.map(\.calls) == [6, 9, 3, 3])
        }
    }

    @Test("after a clock was set back, entries are found by the times that they show", arguments: [false, true])
    func setBack(isFolded: Bool) async throws {
        house.hand.set(try moment("2026-06-12T06:00:00Z"))
        _ = try await house.charged(keys[0], cost: Credits(micro: 1000))
        _ = try await house.metering.adjust(house.ada.account, by: Credits(micro: 9), reason: good("late"), by: .test)
        house.hand.set(try moment("2026-06-20T00:00:00Z"))
        _ = try await house.charged(keys[1], cost: Credits(micro: 2000))
        if isFolded { try await house.metering.fold() }
        let everything = try await all(LedgerFilter(account: house.ada.account), limit: 100)
        var filter = LedgerFilter(account: house.ada.account)
        (filter.from, filter.until) = (try moment("2026-06-12T06:00:00Z"), try moment("2026-06-12T06:00:00.000001Z"))
        #expect(everything.filter { passes(filter, $0) }.count == 2)
        try await check(filter, among: everything)
        for filter in try filters() {
            for (from, until) in [(nil, Self.edges[4]), ("2026-06-12T00:00:00Z", Self.edges[5]), (Self.edges[5], nil)] {
                var timed = filter
                (timed.from, timed.until) = (try from.map { try moment($0) }, try until.map { try moment($0) })
                try await check(timed, among: everything)
            }
        }
        try await house.metering.fold()
        #expect(try await house.difference() == nil)
        try await house.tamper("UPDATE fold SET ahead = 0")
        #expect(try await house.difference()?.contains("ahead of its time") == true)
    }

    @Test("what is sparse in a long ledger is found on the first page of its day, however much lies before it")
    func sparse() async throws {
        try await house.metering.fold()
        let start = try moment("2026-06-20T00:00:00Z").milliseconds << 21
        try await house.tamper(
            """
            INSERT INTO charges (id, subject, amount, time_offset)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
            SELECT \(start) + i, (SELECT min(id) FROM charge_subjects), 0, 0 FROM n
            """)
        try await house.metering.fold()
        var filter = LedgerFilter(account: house.ada.account)
        filter.application = dog.id
        let page = try await house.metering.entries(filter, Page(limit: 100))
        #expect(page.items.count == Self.edges.count && page.next == nil)
    }
}
