import Accounts
import Applications
import Database
import Foundation
import TestSupport
import Testing
import Values

@testable import Credentials

/// A page takes the same time however many keys there are.
@Suite("Pages of keys and the number of keys")
struct KeyListPlanTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    private static let orders = KeySort.Field.allCases.flatMap { [KeySort($0), KeySort($0, isDescending: true)] }

    private func query(_ filter: KeyFilter, _ sort: KeySort) -> KeyRunQuery {
        KeyRunQuery(account: house.ada.account, filter: filter, sort: sort, format: house.credentials.format)
    }

    private func plan(_ sql: String, _ values: [(any SQLValue)?]) async throws -> [String] {
        try await house.database.read { connection in
            try connection.rows("EXPLAIN QUERY PLAN " + sql, values: values).map { try $0.text("detail") }
        }
    }

    @Test("the keys of a group are counted along an index of those that name one") func group() async throws {
        let plan = try await plan(CredentialTable.inGroup, [nil, nil])
        #expect(plan.contains { $0.contains("INDEX credentials_by_group (group_name=?)") }, "\(plan)")
    }

    private static func index(_ sort: KeySort) -> (name: String, column: String) {
        switch sort.field {
        case .creation: ("credentials_by_creation", "created_at")
        case .name: ("credentials_by_name", "name_order")
        case .lastUse: ("credentials_by_use", "use_order")
        case .expiry: ("credentials_by_expiry", "expiry_order")
        }
    }

    @Test("a run begins at its place in the index of its order, ends at another, and sorts nothing", arguments: orders)
    func inOrder(sort: KeySort) async throws {
        var filter = KeyFilter()
        filter.search = try good("x")
        let query = query(filter, sort)
        let (name, column) = Self.index(sort)
        let bounds = "account_id=? AND (\(column),id)>(?,?) AND (\(column),id)<(?,?)"
        let plan = try await plan(query.sql(.all), query.values(.all, from: nil, through: nil, 10, house.hand.now))
        #expect(plan.first == "SEARCH credentials USING INDEX \(name) (\(bounds))", "\(plan)")
        #expect(!plan.contains { $0.contains("SCAN") || $0.contains("TEMP B-TREE") }, "\(plan)")
        let window = try await self.plan(query.windowSQL, query.windowValues(after: nil))
        let beyond = sort.isDescending ? "<" : ">"
        #expect(
            window == [
                "SEARCH credentials USING INDEX \(name) (account_id=? AND (\(column),id)\(beyond)(?,?))"
            ])
    }

    @Test("the keys of one app have an index in the order of their creation") func application() async throws {
        let query = query(KeyFilter(application: house.cat.id), .standard)
        let plan = try await plan(query.sql(.all), query.values(.all, from: nil, through: nil, 10, house.hand.now))
        #expect(
            plan.first?.hasPrefix(
                "SEARCH credentials USING INDEX credentials_by_application (account_id=? AND application_id=? AND (created_at"
            )
                == true, "\(plan)")
        #expect(!plan.contains { $0.contains("SCAN") || $0.contains("TEMP B-TREE") }, "\(plan)")
        let window = try await self.plan(query.windowSQL, query.windowValues(after: nil))
        #expect(
            window.first?.contains(
                "INDEX credentials_by_application (account_id=? AND application_id=? AND (created_at") == true,
            "\(window)")
    }

    @Test("keys that have not expired are found by their expiry, whatever the order", arguments: orders)
    func unexpired(sort: KeySort) async throws {
        let query = query(KeyFilter(), sort)
        let plan = try await plan(
            query.sql(.unexpired), query.values(.unexpired, from: nil, through: nil, 10, house.hand.now))
        #expect(
            plan.contains {
                $0.hasSuffix("INDEX credentials_by_expiry (account_id=? AND expiry_order>?)")
            }, "\(plan)")
        #expect(!plan.contains { $0.hasPrefix("SCAN credentials") }, "\(plan)")
    }

    private static let isLong = ProcessInfo.processInfo.environment["LATCHKEY_TEST_LENGTH"] == "long"

    /// A list whose pages are timed.
    private struct Case {
        let filter: KeyFilter
        let sort: KeySort
        /// How much longer a page may take.
        let factor: Double
    }

    /// Where a page looks at a thousand keys that are not neighbours in the table, the engine's cache holds all of a small
    /// table and not of a large one: that is bounded too, by those thousand.
    private func cases() throws -> [Case] {
        var search = KeyFilter()
        search.search = try good("no such")
        var (live, expired) = (KeyFilter(), KeyFilter())
        live.states = [.enabled]
        expired.states = [.expired]
        let application = KeyFilter(application: house.cat.id)
        return Self.orders.flatMap { sort in
            [KeyFilter(), live, expired].map { Case(filter: $0, sort: sort, factor: 1.2) } + [
                Case(filter: application, sort: sort, factor: sort.field == .creation ? 1.2 : 3),
                Case(filter: search, sort: sort, factor: sort.field == .creation ? 1.2 : 3),
            ]
        }
    }

    /// The middle one of so many times.
    private func time(_ list: Case, from start: KeyPosition?) async throws -> Duration {
        var times: [Duration] = []
        for _ in 0..<201 {
            let begin = ContinuousClock.now
            _ = try await house.credentials.list(
                of: house.ada.account, list.filter, by: list.sort, after: start, atMost: 10)
            times.append(ContinuousClock.now - begin)
        }
        return times.sorted()[100]
    }

    /// In the order of the cases, for the first page and for one from the middle.
    private func times(_ count: Int, _ model: Credential) async throws -> [Duration] {
        try await house.tamper("DELETE FROM credentials WHERE id <> '\(model.id)'")
        try await house.insert(count, as: model)
        let number = String(String(1_000_000_000_000 + count / 2).dropFirst())
        let middle = try await house.credentials.find(
            #require(Identifier(String(model.id.description.prefix(24)) + number)), of: model.account)
        var times: [Duration] = []
        for list in try cases() {
            times.append(try await time(list, from: nil))
            times.append(try await time(list, from: KeyPosition(behind: middle, in: list.sort)))
        }
        return times
    }

    @Test(
        "long: with 1,000,000 keys in the account a page of 10 takes what it takes with 10,000, within 20 %, first or deep",
        .enabled(if: isLong))
    func million() async throws {
        let model = try await house.issue().credential
        let (few, many) = (try await times(10_000, model), try await times(1_000_000, model))
        for (index, list) in try cases().enumerated() {
            for place in [2 * index, 2 * index + 1] {
                #expect(
                    many[place] <= few[place] * list.factor + .microseconds(50),
                    "\(list.sort.text) \(list.filter): \(few[place]), \(many[place])")
            }
        }
    }
}
