import Accounts
import Applications
import Credentials
import Management
import TestSupport
import Testing
import Values

@testable import Console

/// The account of somebody whose app was called at the edges of days.
@Suite("The page of usage and credits")
struct UsagePageTests {
    private let world: CalledAccount
    private var router: ConsoleRouter { world.router }

    init() async throws {
        world = try await CalledAccount()
        try await router.signIn(world.root)
    }

    @Test("figures, bars, table and shares say the same, and today is among them") func figures() async throws {
        let page = try await router.get("/console/usage")
        #expect(page.status == 200)
        // 1,000 granted, seven calls at 20; one of them in June.
        #expect(page.html.contains("<dt>Balance</dt><dd><strong>860</strong>"))
        #expect(page.html.contains("credits = <b>43 calls</b> at 20"))
        #expect(page.html.contains("<dt>Spent this month</dt><dd><strong>120</strong>"))
        #expect(page.html.contains("<dt>Spent today</dt><dd><strong>60</strong>"))
        #expect(page.html.contains("<title>15 Jul: 60 credits, 3 calls</title>"))
        #expect(page.html.contains("<title>1 Jul: 40 credits, 2 calls</title>"))
        #expect(page.html.matches(of: /<rect class="day"/).count == 2)
        #expect(page.html.matches(of: /<rect class="today"/).count == 1)
        // Each day until today has a row, and no other.
        #expect(page.html.matches(of: /<tr><th scope="row">\d+ Jul/).count == 15)
        #expect(page.html.contains("Sum of the days = 120 = the total above."))
        #expect(page.html.contains("<bdi>Cat</bdi>"))
        #expect(page.html.contains(">100.0%<"))
    }

    @Test("another month is in the address, and a month to come is this one") func months() async throws {
        let june = try await router.get("/console/usage?month=2026-06")
        #expect(june.html.contains("<dt>Spent in June</dt><dd><strong>20</strong>"))
        #expect(june.html.contains("<title>30 Jun: 20 credits, 1 call</title>"))
        #expect(june.html.matches(of: /<tr><th scope="row">\d+ Jun/).count == 30)
        #expect(june.html.matches(of: /<rect class="today"/).count == 0)
        for month in ["2026-08", "9999-12", "2026-13", "x", "0001-01"] {
            #expect(try await router.get("/console/usage?month=\(month)").status == 200, "\(month)")
        }
        #expect(try await router.get("/console/usage?month=2026-08").html.contains("Spent this month"))
    }

    @Test("what used the credits, by app, key and model") func shares() async throws {
        #expect(try await router.get("/console/usage?by=key").html.contains("<bdi>Without a name</bdi> <code>sk-"))
        #expect(try await router.get("/console/usage?by=model").html.contains("<bdi>echo</bdi>"))
        try await world.deleteEverything()
        let page = try await router.get("/console/usage")
        #expect(page.html.contains("<bdi>Deleted application</bdi> <code>…\(world.app.description.suffix(8))</code>"))
        #expect(page.html.contains("<dt>Spent this month</dt><dd><strong>120</strong>"))
    }

    @Test("operators read another account's, without the names in it, and nobody else does") func operators()
        async throws
    {
        let own = world.root.account
        try await router.signIn(world.admin)
        let page = try await router.get("/console/usage?account_id=\(own)&by=key")
        #expect(page.html.contains("<dt>Balance</dt><dd><strong>860</strong>"))
        #expect(page.html.contains("<dt>Spent this month</dt><dd><strong>120</strong>"))
        #expect(page.html.contains("href=\"/console/accounts/\(own)\"><bdi>Ada</bdi>"))
        #expect(page.html.contains("<bdi>Key</bdi> <code>…\(world.key.description.suffix(8))</code>"))
        #expect(!page.html.contains("<bdi>Cat</bdi>"))
        // Wherever one goes from there, it is the same account's.
        let links = page.html.matches(of: /(?:href|data-live)="([^"]*(?:usage|ledger)[^"]*\?[^"]*)"/).map(\.output.1)
        #expect(links.count > 5 && links.allSatisfy { $0.contains("account_id=\(own)") })
        #expect(page.html.contains("name=\"account_id\" value=\"\(own)\""))
        let live = "/console/usage/live?account_id=\(own)"
        let mark = try await router.get(live).html
        #expect(try await router.get(live).html == mark)
        try await world.call("one more")
        #expect(try await router.get(live).html != mark)
        for id in ["x", world.admin.id.description] {
            #expect(try await router.get("/console/usage?account_id=\(id)").status == 404, "\(id)")
        }
        try await router.signIn(world.root)
        #expect(try await router.get("/console/usage?account_id=\(own)").status == 200)
        for path in ["/console/usage", "/console/usage/live"] {
            #expect(try await router.get(path + "?account_id=\(world.admin.account)").status == 404, "\(path)")
        }
    }

    @Test("a member sees it too, and nobody else does") func others() async throws {
        let member = try await world.house.join(world.root.account, "member@ada.example", as: .member, for: world.root)
        try await router.signIn(member)
        #expect(try await router.get("/console/usage").html.contains("<dt>Balance</dt><dd><strong>860</strong>"))
        try await router.signIn(world.admin)
        #expect(try await router.get("/console/usage").html.contains("<dt>Balance</dt><dd><strong>0</strong>"))
    }
}

@Suite("The scale of a chart")
struct ChartScaleTests {
    @Test(
        "goes in steps of 1, 2 or 5, and what is shown fits",
        arguments: [
            (0, 1), (1, 1), (4_000_000, 1), (4_000_001, 2), (750_000_000, 200), (800_000_000, 200), (800_000_001, 500),
            (2_000_000_000, 500), (12_288_000_000, 5000),
        ] as [(Int64, Int64)])
    func steps(most: Int64, step: Int64) {
        let scale = ChartScale(Credits(micro: most))
        #expect(scale.step == Credits(micro: step * 1_000_000))
        #expect(scale.top.micro >= most && scale.steps <= 4)
        #expect(scale.labels.count == scale.steps + 1 && scale.labels.last == .zero && scale.labels.first == scale.top)
    }

    @Test("has room for everything that there can be") func most() {
        let scale = ChartScale(.most)
        #expect(scale.top == .most && scale.steps <= 4)
    }
}
