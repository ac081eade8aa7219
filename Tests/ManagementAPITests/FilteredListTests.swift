import Accounts
import HTTPTypes
import JSON
import Management
import Secrets
import TestSupport
import Testing
import Values

@testable import ManagementAPI

@Suite("Filtered lists and their cursors")
struct FilteredListTests {
    private let router: ManagementRouter
    private let token: String
    private let account: Identifier

    /// Grants of four days.
    init() async throws {
        router = ManagementRouter(try ManagementHouse())
        let admin = try await router.house.operators()
        account = admin.account
        token = try await router.house.token(Scope.allCases, of: admin).exposed()
        for day in 1...4 {
            router.house.hand.set(try #require(Timestamp(rfc3339: "2026-07-0\(day)T00:00:00Z")))
            let answer = try await router.call(
                .post, "/api/v1/accounts/\(account)/grants", json: #"{"amount":\#(day),"reason":"day \#(day)"}"#,
                token: token)
            #expect(answer.status == 201)
        }
    }

    private func ledger(_ query: String) async throws -> JSONObject {
        let answer = try await router.call(.get, "/api/v1/ledger?" + query, token: token)
        #expect(answer.status == 200, "\(answer)")
        return try #require(answer.body?.object)
    }

    private func amounts(_ query: String) async throws -> [JSON?] {
        try await ledger(query).items.map { $0["amount"] }
    }

    /// The only field that a refusal names.
    private func refused(_ path: String) async throws -> Text? {
        let answer = try await router.call(.get, path, token: token)
        #expect(answer.status == 400 && answer.code == "invalid_request", "\(answer)")
        return answer.body?.object?["errors"]?.array?.first?.object?["field"]?.string
    }

    @Test("a time may have any offset, its plus sign as it is or encoded") func offsets() async throws {
        for from in [
            "2026-07-02T00:00:00Z", "2026-07-02T02:00:00%2B02:00", "2026-07-02T02:00:00+02:00",
            "2026-07-01T13:00:00-11:00",
        ] {
            #expect(try await amounts("from=\(from)&to=2026-07-03T00:00:00.000001Z") == [3, 2], "\(from)")
        }
        #expect(try await amounts("from=2026-07-02T00:00:00.000001Z&to=2026-07-03T00:00:00Z") == [])
        for name in ["from", "to"] {
            for text in ["2026-07-02", "2026-07-02T00:00:00", "", "2026-07-02T00:00:00.1234567891Z", "x"] {
                #expect(try await refused("/api/v1/ledger?\(name)=\(text)") == Text(name))
                #expect(try await refused("/api/v1/audit?\(name)=\(text)") == Text(name))
            }
        }
    }

    @Test("the sums are of all entries that pass, not of the page alone, and say so on each page") func totals()
        async throws
    {
        var query = "limit=1&from=2026-07-02T00:00:00Z"
        let first = try await ledger(query)
        let expected: JSON = ["entries": 3, "granted": 9, "adjusted": 0, "charged": 0, "change": 9]
        #expect(first["totals"] == expected)
        let cursor = try #require(first["next_cursor"]?.string)
        query += "&cursor=\(cursor)"
        #expect(try await ledger(query)["totals"] == expected)
        #expect(try await amounts(query) == [3])
    }

    @Test("a cursor is good with the parameters that it was made with, in whatever order, and with no others")
    func cursors() async throws {
        let filter = "from=2026-07-02T00:00:00Z&kind=grant"
        let cursor = try #require(try await ledger("limit=1&" + filter)["next_cursor"]?.string).string
        #expect(try await amounts("kind=grant&cursor=\(cursor)&from=2026-07-02T00:00:00Z&limit=100") == [3, 2])
        let parts = cursor.split(separator: ".")
        #expect(parts.count == 2 && parts[1].utf8.count == 16)
        for query in [
            "cursor=\(cursor)", "kind=grant&cursor=\(cursor)", "\(filter)&cursor=\(parts[0])",
            "\(filter)&model=echo&cursor=\(cursor)", "from=2026-07-02T00:00:00.0Z&kind=grant&cursor=\(cursor)",
            "\(filter)&cursor=\(cursor)0", "\(filter)&cursor=\(cursor).", "\(filter)&cursor=.\(parts[1])",
        ] { #expect(try await refused("/api/v1/ledger?" + query) == "cursor", "\(query)") }
        let plain = try #require(try await ledger("limit=1")["next_cursor"]?.string)
        #expect(Identifier(plain) != nil)
        #expect(try await amounts("cursor=\(plain)") == [3, 2, 1])
        // The same place in another list is the same; a filter of another list is another filter.
        let audit = try await router.call(.get, "/api/v1/audit?limit=1&action=credits.grant", token: token)
        let next = try #require(audit.body?.object?["next_cursor"]?.string)
        #expect(try await refused("/api/v1/audit?action=user.join&cursor=\(next)") == "cursor")
        let rest = try await router.call(.get, "/api/v1/audit?action=credits.grant&cursor=\(next)", token: token)
        #expect(rest.body?.object?.items.count == 3)
    }

    @Test("a mark tells names from values, and leaves out what is of the page alone") func marks() {
        let marks = [
            ["a": "bc"], ["ab": "c"], ["a": "b", "c": ""], ["a": "", "bc": ""], ["a": "bc", "c": "a"],
        ].map { FilteredPage.mark(of: $0 as [Text: Text]) }
        #expect(Set(marks).count == marks.count && marks.allSatisfy { $0?.text.utf8.count == 16 })
        #expect(FilteredPage.mark(of: ["cursor": "x", "limit": "1"]) == nil)
        #expect(FilteredPage.mark(of: ["cursor": "x", "a": "bc"]) == marks[0])
    }

    @Test("what the audit record is filtered by is refused by name") func auditFields() async throws {
        for (query, field) in [("actor_id=x", "actor_id"), ("action=x", "action"), ("action=", "action")] {
            #expect(try await refused("/api/v1/audit?" + query) == Text(field))
        }
        #expect(try await refused("/api/v1/audit?from=2026-07-02T00:00:00Z&to=2026-07-01T00:00:00Z") == "from")
        for query in ["days=36", "days=x", "days=1&from=2026-07-01", "by=day,day&days=1"] {
            let field = query.hasPrefix("by") ? "by" : "days"
            #expect(try await refused("/api/v1/refused-calls?" + query) == Text(field))
        }
    }
}

extension JSONObject {
    fileprivate var items: [JSONObject] { self["items"]?.array?.compactMap(\.object) ?? [] }
}
