import Accounts
import Metering
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The ledger on the page of usage")
struct LedgerPageTests {
    private let world: CalledAccount
    private var router: ConsoleRouter { world.router }

    init() async throws {
        world = try await CalledAccount()
        try await router.signIn(world.root)
    }

    private func rows(_ query: String) async throws -> Int {
        let page = try await router.get("/console/usage" + query)
        #expect(page.status == 200, "\(query)")
        return page.html.matches(of: /<tr id="entry-/).count
    }

    @Test("shows the month's entries, and their sum is that of the days") func month() async throws {
        let page = try await router.get("/console/usage")
        #expect(page.html.matches(of: /<tr id="entry-/).count == 6)
        #expect(page.html.contains(">6 entries<small>charged 120</small>"))
        #expect(page.html.contains(">−120</td>"))
        let june = try await router.get("/console/usage?month=2026-06")
        #expect(june.html.contains(">2 entries<small>granted 1,000 · charged 20</small>"))
        #expect(june.html.contains(">+980</td>"))
        #expect(june.html.contains("<bdi>top-up &lt;b&gt;1&lt;/b&gt;</bdi>"))
    }

    @Test("is narrowed by days of UTC, app, key, model and kind, each in the address") func filters() async throws {
        #expect(try await rows("?from=2026-06-29&to=2026-07-15") == 8)
        #expect(try await rows("?from=2026-07-01&to=2026-07-01") == 2)
        #expect(try await rows("?to=2026-06-30&from=2026-06-30") == 1)
        #expect(try await rows("?from=2026-07-15") == 3)
        #expect(try await rows("?month=2026-06&kind=grant") == 1)
        #expect(try await rows("?month=2026-06&kind=charge") == 1)
        #expect(try await rows("?credential=\(world.key)") == 6)
        #expect(try await rows("?application=\(world.app)&model=echo&kind=charge") == 6)
        #expect(try await rows("?application=\(world.key)") == 0)
        #expect(try await rows("?model=other/one") == 0)
        // Fields that were left empty are no filter.
        #expect(try await rows("?from=&to=&application=&credential=&model=&kind=") == 6)
    }

    @Test(
        "what can't be chosen shows no entry, keeps what was typed, and says why",
        arguments: [
            "?from=2026-07-15&to=2026-07-01", "?from=yesterday", "?to=2026-02-30", "?credential=x",
            "?application=%3Cb%3E",
            "?kind=gift", "?model=%20",
        ])
    func broken(query: String) async throws {
        let page = try await router.get("/console/usage" + query)
        #expect(page.status == 200 && page.html.contains("Clear the filter to see everything."), "\(query)")
        #expect(!page.html.contains("<tr id=\"entry-") && !page.html.contains("format=csv"))
        #expect(page.html.contains("href=\"/console/usage#ledger\""))
        if query == "?from=yesterday" { #expect(page.html.contains("name=\"from\" value=\"yesterday\"")) }
    }

    @Test("its CSV is of what is shown") func csv() async throws {
        let page = try await router.get(
            "/console/usage?from=2026-07-01&to=2026-07-14&credential=\(world.key)&kind=charge")
        let path =
            "/api/v1/ledger?format=csv&amp;from=2026-07-01T00:00:00.000000Z&amp;to=2026-07-15T00:00:00.000000Z&amp;credential_id="
            + "\(world.key)&amp;kind=charge"
        #expect(page.html.contains("href=\"\(path)\""))
    }

    @Test("a charge says its price, its group's multiplier, and their versions") func why() async throws {
        let page = try await router.get("/console/usage?from=2026-07-01&to=2026-07-01")
        #expect(page.html.matches(of: /<tr class="why" id="why-/).count == 2)
        #expect(page.html.contains("<span>Price of one call</span><b>20</b><small>echo"))
        #expect(page.html.contains("<span>Group standard</span><b>1</b>"))
        #expect(page.html.contains("<span>Charged</span><b>20</b>"))
        #expect(page.html.matches(of: /<dt>Price version<\/dt><dd><code>[0-9a-f-]{36}<\/code>/).count == 2)
    }

    @Test("goes on page after page, with its filter") func pages() async throws {
        // All that is left: 50 calls and the grant are 51 entries.
        for number in 0..<43 { try await world.call("more-\(number)") }
        let first = try await router.get("/console/usage?by=key&from=2026-06-01")
        #expect(first.html.matches(of: /<tr id="entry-/).count == 50)
        #expect(first.html.contains(">51 entries<small>granted 1,000 · charged 1,000</small>"))
        let next = try #require(
            first.html.firstMatch(of: /href="(\/console\/usage\?by=key&amp;from=2026-06-01&amp;after=[^"#]+)#ledger"/))
        let second = try await router.get(String(next.output.1).replacing("&amp;", with: "&"))
        #expect(second.html.matches(of: /<tr id="entry-/).count == 1)
        #expect(second.html.contains("First page"))
    }
}
