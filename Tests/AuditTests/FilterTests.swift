import Database
import Testing
import Values

@testable import Audit

/// Whatever a filter lets through is listed, page by page: held against a plain look at all entries.
@Suite("Filters of the audit record")
struct FilterTests {
    private let house: AuditHouse

    init() throws { house = try AuditHouse() }

    private func all(_ filter: AuditFilter, limit: Int = 3) async throws -> [AuditEntry] {
        var seen: [AuditEntry] = []
        var after: Identifier?
        repeat {
            let page = try await house.audit.entries(filter, Page(limit: limit, after: after))
            #expect(page.items.count <= limit)
            seen += page.items
            after = page.next
        } while after != nil && seen.count < 1000
        return seen
    }

    private func passes(_ filter: AuditFilter, _ entry: AuditEntry) -> Bool {
        (filter.account == nil || entry.account == filter.account)
            && (filter.actor == nil || entry.actor == filter.actor)
            && (filter.action == nil || entry.action == filter.action)
            && (filter.from.map { entry.at >= $0 } ?? true) && (filter.until.map { entry.at < $0 } ?? true)
    }

    private func filters() -> [AuditFilter] {
        var filters: [AuditFilter] = []
        for account in [nil, AuditHouse.name(1), AuditHouse.name(2)] {
            for actor in [nil, AuditHouse.name(5), AuditHouse.name(6), AuditHouse.name(9)] {
                for action in [nil, AuditEntry.Action.accountEdit, .creditsGrant, .groupEdit] {
                    var filter = AuditFilter(account: account)
                    (filter.actor, filter.action) = (actor, action)
                    filters.append(filter)
                }
            }
        }
        return filters
    }

    @Test(
        "by account, actor, action and time, alone and together; also after the clock was set back", arguments: [0, 9])
    func filtered(stepBack: Int) async throws {
        let start = AuditHouse.noon
        var moments: [Timestamp?] = [nil]
        for number in 0..<24 {
            // Within a millisecond too.
            let step = number / 3 - (number >= 12 ? stepBack : 0)
            let time = start.adding(.microseconds(Int64(step * 1000 + number % 3)))
            if number % 5 == 0 { moments.append(time) }
            try await house.record(
                [.accountEdit, .creditsGrant][number % 2],
                actor: number % 4 == 3 ? nil : AuditHouse.name(5 + UInt64(number % 2)),
                account: number % 7 == 6 ? nil : AuditHouse.name(1 + UInt64(number / 4 % 2)), at: time)
        }
        let everything = try await all(AuditFilter(), limit: 100)
        #expect(everything.count == 24)
        for filter in filters() {
            for from in moments {
                for until in moments {
                    var timed = filter
                    (timed.from, timed.until) = (from, until)
                    let expected = everything.filter { passes(timed, $0) }
                    #expect(try await all(timed).map(\.id) == expected.map(\.id), "\(timed)")
                }
            }
        }
        let ahead = try await house.database.read { try AuditTable.ahead($0) }
        #expect((ahead > 0) == (stepBack > 0))
        #expect(try await house.check().difference == nil)
    }

    @Test(
        "an actor's rare action is found in a long record, page by page, without a gap",
        arguments: [9_998, 9_999, 10_000, 25_000])
    func longRecord(count: Int) async throws {
        let (actor, account) = (AuditHouse.name(5), AuditHouse.name(1))
        let house = house
        for action in [AuditEntry.Action.creditsGrant, .creditsAdjust] {
            try await house.record(action, actor: actor, account: account)
            let author = house.audit.author(actor: actor, address: "")
            try await house.database.write { connection in
                for _ in 0..<(action == .creditsGrant ? count : 1) {
                    try author.record(.accountEdit, account: account, object: nil, at: AuditHouse.noon, in: connection)
                }
            }
        }
        for account in [nil, account] {
            var filter = AuditFilter(account: account)
            (filter.actor, filter.action) = (actor, .creditsGrant)
            var seen: [AuditEntry] = []
            var (after, pages): (Identifier?, Int) = (nil, 0)
            repeat {
                let page = try await house.audit.entries(filter, Page(limit: 1, after: after))
                seen += page.items
                (after, pages) = (page.next, pages + 1)
            } while after != nil && pages < 100
            #expect(seen.map(\.action) == [.creditsGrant])
            // The windows, and the page behind the one that is full.
            #expect(pages <= count / 10_000 + 2)
        }
    }

    @Test("what a clock that was set back has left before a time is gone through in bounded pages")
    func looseBeginning() async throws {
        let (actor, account) = (AuditHouse.name(5), AuditHouse.name(1))
        let author = house.audit.author(actor: actor, address: "")
        let hour: Duration = .seconds(3600)
        try await house.database.write { connection in
            try author.record(
                .accountEdit, account: account, object: nil, at: AuditHouse.noon.adding(hour), in: connection)
            for _ in 0..<25_000 {
                try author.record(.accountEdit, account: account, object: nil, at: AuditHouse.noon, in: connection)
            }
        }
        var filter = AuditFilter(account: account)
        filter.from = AuditHouse.noon.adding(.seconds(1800))
        var (after, pages): (Identifier?, [Int]) = (nil, [])
        repeat {
            let page = try await house.audit.entries(filter, Page(after: after))
            pages.append(page.items.count)
            after = page.next
        } while after != nil && pages.count < 10
        #expect(pages == [0, 0, 1])
    }

    @Test("every filter goes by an index of its own, to the page that was asked for") func plans() async throws {
        for filter in filters() {
            for (statement, isWindow) in [(AuditTable.statement(filter), false), (AuditTable.windowEnd(filter), true)] {
                let plan = try await house.database.read { connection in
                    let rows =
                        isWindow
                        ? try connection.rows("EXPLAIN QUERY PLAN " + statement, nil, nil, nil, nil, nil, nil)
                        : try connection.rows("EXPLAIN QUERY PLAN " + statement, nil, nil, nil, nil, nil, nil, nil, nil)
                    return try rows.map { try $0.text("detail") }
                }
                var terms = filter.account == nil ? [] : ["account_id=?"]
                if filter.actor != nil { terms.append("actor_id=?") }
                if filter.actor == nil, filter.action != nil { terms.append("action=?") }
                terms += ["id>?", "id<?"]
                #expect(plan.count == 1 && plan[0].hasPrefix("SEARCH audit USING "), "\(plan)")
                #expect(plan[0].hasSuffix("(\(terms.joined(separator: " AND ")))"), "\(plan) of \(statement)")
            }
        }
    }
}
