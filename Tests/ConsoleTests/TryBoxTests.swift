import Accounts
import Applications
import Credentials
import HTTPTypes
import Management
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The box that tries an app")
struct TryBoxTests {
    private func page(_ keys: KeyHouse) async throws -> String {
        try await keys.router.get("/console/applications/\(keys.app)").html
    }

    @Test("it has every key of the app with what is left or why it is off, and no secret") func choices() async throws {
        let keys = try await KeyHouse()
        let once = try await keys.key("Once <b>", KeyTerms(creditLimit: Credits(micro: 60_000_000)))
        let again = try await keys.key("Again", isRevealable: true)
        let expiry = keys.house.hand.now.adding(.seconds(60))
        let over = try await keys.key("Over", KeyTerms(expiresAt: expiry))
        keys.house.hand.advance(.seconds(120))
        let html = try await page(keys)
        #expect(html.contains("data-try=\"/apps/\(keys.app)/v1/chat/completions\""))
        #expect(html.contains("\u{2068}Once &lt;b&gt;\u{2069} · \(once.key.credential.hint) · 3 calls left</option>"))
        #expect(html.contains("data-cost=\"A call costs 20 credits\""))
        let reveal = "data-reveal=\"/console/keys/\(again.key.credential.id)/reveal\""
        #expect(html.contains(reveal) && html.ranges(of: "data-reveal=").count == 1)
        #expect(html.contains(" selected>\u{2068}Again\u{2069} · \(again.key.credential.hint) · no limit of its own<"))
        #expect(html.contains("\u{2068}Over\u{2069} · \(over.key.credential.hint) · Expired – "))
        for issued in [once, again, over] { #expect(!html.contains(issued.secret.exposed())) }
        #expect(html.contains("<noscript><p>Trying it here needs JavaScript."))
        // Nothing that is typed could be sent as a form: it has neither a name nor an address.
        let form = try #require(html.firstMatch(of: /<input id="try-secret"[^>]*>/)).output
        #expect(form.contains("type=\"password\"") && !form.contains(" name=") && !form.contains("value="))
        #expect(html.contains("<form method=\"dialog\""))
    }

    @Test("an app without keys says what it takes") func empty() async throws {
        let html = try await page(try await KeyHouse())
        #expect(html.contains("It takes a key that opens this application.") && !html.contains("data-try"))
    }

    @Test("each denial has its words and a next step, in every language", arguments: Language.allCases)
    func refusals(language: Language) async throws {
        let keys = try await KeyHouse(language: language.rawValue)
        _ = try await keys.key("one")
        let html = try await page(keys)
        for code in Denial.allCases.map(\.rawValue) + TryBox.others {
            #expect(html.contains("<div data-code=\"\(code)\""), "\(code)")
        }
        #expect(html.ranges(of: "data-of-key").count == TryBox.ofKey.count)
    }

    @Test("a pass is for who sees the app, lasts a minute, and is kept by nobody") func pass() async throws {
        let keys = try await KeyHouse()
        let path = "/console/applications/\(keys.app)/pass"
        let answer = try await keys.router.get(path)
        let now = keys.house.hand.now
        let passes = DeploymentSecrets.test.pagePasses
        #expect(answer.status == 200 && answer.headers[.cacheControl] == "no-store")
        #expect(passes.isGood(Text(answer.html), at: now))
        #expect(!passes.isGood(Text(answer.html), at: now.adding(.seconds(PagePasses.life + 1))))
        let stranger = try await ConsoleRouter(keys.house).get(path)
        #expect(stranger.status == 303 && stranger.location?.hasPrefix("/console/sign-in") == true)
        let other = try ConsoleRouter(keys.house)
        try await other.signIn(keys.admin)
        #expect(try await other.get(path).status == 404)
        #expect(try await keys.router.get("/console/applications/\(keys.root.id)/pass").status == 404)
    }

    @Test("a member may try an app, with a secret of their own, and sees no way to one") func member() async throws {
        let keys = try await KeyHouse()
        _ = try await keys.key("Again", isRevealable: true)
        let member = try await keys.house.join(keys.root.account, "m@ada.example", as: .member, for: keys.root)
        let other = try ConsoleRouter(keys.house)
        try await other.signIn(member)
        let html = try await other.get("/console/applications/\(keys.app)").html
        #expect(html.contains("data-try=") && !html.contains("data-reveal="))
        #expect(try await other.get("/console/applications/\(keys.app)/pass").status == 200)
    }
}
