import Accounts
import Calls
import Credentials
import Foundation
import HTTPTypes
import Management
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The list of keys in the console")
struct KeyListTests {
    @Test("an account without keys is told the next step, and one without apps the step before it") func empty()
        async throws
    {
        let keys = try await KeyHouse()
        #expect(try await keys.router.get("/console/keys").html.contains("No keys yet"))
        let other = try ConsoleRouter(try ManagementHouse())
        try await other.signIn(try await other.house.operators())
        let page = try await other.get("/console/keys")
        #expect(page.html.contains("there is none yet. Make one first."))
        #expect(page.html.contains("/console/applications/new"))
    }

    @Test("a row has the seed's columns, what the key opens and its hint, escaped, and no secret") func row()
        async throws
    {
        let keys = try await KeyHouse()
        let issued = try await keys.key(
            "<script>x</script>", KeyTerms(monthlyLimit: Credits(micro: 1_000_000_000)))
        let html = try await keys.router.get("/console/keys").html
        #expect(html.contains("&lt;script&gt;x&lt;/script&gt;") && !html.contains("<script>x"))
        #expect(html.contains("Support &lt;b&gt;desk&lt;/b&gt;") && html.contains(issued.key.credential.hint))
        #expect(html.contains("1,000") && html.contains("50 calls left"))
        for word in ["Active", "Permanent", "Any", "Never", "1 of 10 keys in use; 9 creations left today"] {
            #expect(html.contains(word), "\(word)")
        }
        #expect(!html.contains(issued.secret.exposed()))
    }

    @Test("a key that does not work says why and until when") func reasons() async throws {
        let keys = try await KeyHouse()
        let soon = keys.house.hand.now.adding(.seconds(1))
        _ = try await keys.key("month", KeyTerms(monthlyLimit: .zero))
        _ = try await keys.key("total", KeyTerms(creditLimit: .zero))
        _ = try await keys.key("over", KeyTerms(expiresAt: soon))
        let off = try await keys.key("off").key.credential.id
        #expect(try await keys.send("/console/keys/\(off)/disable", []).status == 303)
        keys.house.hand.set(soon)
        let html = try await keys.router.get("/console/keys").html
        #expect(html.contains("Monthly limit used; back 1 Jul 2026, 00:00 UTC"))
        #expect(html.contains("Credit limit used; raise it to go on"))
        #expect(html.contains("Switched off by hand") && html.contains("holds no slot"))
    }

    @Test("search, status, app and order are in the address, and the server does them") func filters() async throws {
        let keys = try await KeyHouse()
        for name in ["a bear", "an ant", "the cat"] { _ = try await keys.key(name) }
        func names(_ query: String) async throws -> [String] {
            let html = try await keys.router.get("/console/keys" + query).html
            return html.matches(of: /<bdi>(a bear|an ant|the cat)<\/bdi>/).map { String($0.output.1) }
        }
        #expect(try await names("?sort=name") == ["a bear", "an ant", "the cat"])
        // With a blank, which is in no hint and no id.
        #expect(try await names("?search=A%20BEA") == ["a bear"])
        #expect(try await names("?status=disabled").isEmpty)
        #expect(try await names("?status=active&sort=name").count == 3)
        #expect(try await names("?application=\(Identifier(at: keys.house.hand.now, random: (1, 2)))").isEmpty)
        #expect(try await names("?cursor=made.up.1").isEmpty)
        #expect(try await keys.router.get("/console/keys?cursor=made.up.1").location == "/console/keys")
    }

    @Test(
        "what can't be chosen shows no key, and says so",
        arguments: ["status=gone", "application=x", "label=%20", "environment=%3Cb%3E", "sort=colour", longest])
    func broken(query: String) async throws {
        let keys = try await KeyHouse()
        _ = try await keys.key("a bear")
        let page = try await keys.router.get("/console/keys?" + query)
        #expect(page.status == 400 && page.html.contains("No key can be of these choices."))
        #expect(!page.html.contains("a bear") && page.html.contains("href=\"/console/keys\">Show all"))
    }

    private static let longest = "application=" + String(repeating: "0", count: 2049)

    @Test("a list goes on by its cursor, and keeps what was asked") func paging() async throws {
        let keys = try await KeyHouse()
        // More than a page: those that have expired hold no slot.
        var made = 0
        while made < 24 {
            let end = keys.house.hand.now.adding(.seconds(10))
            _ = try await keys.key("key \(made)", KeyTerms(expiresAt: end))
            made += 1
            keys.house.hand.set(made % 10 == 0 ? end.adding(.seconds(86_400)) : end)
        }
        try await keys.router.signIn(keys.root)
        var (seen, path) = (Set<String>(), "/console/keys?sort=name" as String?)
        while let next = path {
            let html = try await keys.router.get(next).html
            seen.formUnion(html.matches(of: /<bdi>(key \d+)<\/bdi>/).map { String($0.output.1) })
            path = html.firstMatch(of: /href="(\/console\/keys\?[^"]*cursor=[^"]*)">Next/).map {
                String($0.output.1).replacing("&amp;", with: "&")
            }
        }
        #expect(seen.count == 24)
    }

    @Test("a secret that somebody searches for is refused and not shown again") func searched() async throws {
        let keys = try await KeyHouse()
        let secret = try await keys.key("one").secret.exposed()
        let page = try await keys.router.get("/console/keys?search=\(secret)")
        #expect(page.status == 400 || page.status == 404)
        #expect(!page.html.contains("value=\"\(secret)\""))
    }

    @Test("when the day's creations are used, the page says that rotation still works") func used() async throws {
        let keys = try await KeyHouse()
        for number in 0..<10 { _ = try await keys.key("key \(number)") }
        let html = try await keys.router.get("/console/keys").html
        #expect(html.contains("Today’s creations are used. Rotation still works"))
        let refused = try await keys.create([("host", "kept.example.com")])
        #expect(refused.status == 429 && refused.html.contains("kept.example.com"))
    }

    @Test("refusals that are rising are told, in the list and on the key's page") func rising() async throws {
        let keys = try await KeyHouse()
        let issued = try await keys.key("one")
        // The account has no credits.
        func refuse(_ times: Int) async throws {
            let caller = try await keys.house.session(of: keys.root)
            for number in 0..<times {
                let answer = try await keys.house.management.verifyKey(
                    caller,
                    KeyQuestion(
                        key: good(issued.secret.exposed()), application: keys.app, model: good("echo"), address: nil,
                        origin: nil, isCharged: true, name: good("\(keys.house.hand.now.microseconds)-\(number)")))
                try #require(answer.charge == nil)
            }
        }
        func pages() async throws -> [String] {
            try await keys.router.signIn(keys.root)
            let path = "/console/keys"
            return [
                try await keys.router.get(path).html,
                try await keys.router.get(path + "/\(issued.key.credential.id)").html,
            ]
        }
        try await refuse(5)
        keys.house.hand.advance(.seconds(8 * 86_400))
        try await refuse(9)
        for html in try await pages() { #expect(!html.contains("Refusals are rising")) }
        keys.house.hand.advance(.seconds(60))
        try await refuse(1)
        for html in try await pages() { #expect(html.contains("Refusals are rising: 10 in 7 days")) }
    }

    @Test("a member looks and changes nothing") func member() async throws {
        let keys = try await KeyHouse()
        let id = try await keys.key("one").key.credential.id
        let member = try await keys.house.join(keys.root.account, "m@ada.example", as: .member, for: keys.root)
        let router = try ConsoleRouter(keys.house)
        try await router.signIn(member)
        let page = try await router.get("/console/keys")
        #expect(page.status == 200 && !page.html.contains("Create API Key") && !page.html.contains("/delete"))
        #expect(!page.html.contains("/rules"))
        #expect(try await router.get("/console/keys/rules").status == 403)
        #expect(try await router.get("/console/keys/\(id)").status == 200)
        for step in ["edit", "rotate", "reveal", "delete"] {
            #expect(try await router.get("/console/keys/\(id)/\(step)").status == 403, "\(step)")
        }
    }

    @Test("another account's key is not there") func foreign() async throws {
        let keys = try await KeyHouse()
        let id = try await keys.key("one").key.credential.id
        let router = try ConsoleRouter(keys.house)
        try await router.signIn(keys.admin)
        for path in ["", "/edit", "/rotate", "/retire", "/reveal", "/delete"] {
            #expect(try await router.get("/console/keys/\(id)\(path)").status == 404, "\(path)")
        }
    }

    @Test("every page is whole in every language", arguments: Language.allCases) func whole(language: Language)
        async throws
    {
        let keys = try await KeyHouse(language: language.rawValue)
        let terms = try KeyTerms(
            expiresAt: keys.house.hand.now.adding(.seconds(86_400)), creditLimit: .zero,
            addresses: [good("192.0.2.1"), good("2001:db8::/32")], host: good("app.example.com"))
        let id = try await keys.key("one", terms, isRevealable: true).key.credential.id
        _ = try await keys.send("/console/keys/\(id)/rotate", [("overlap", "3600")])
        for path in [
            "", "?search=zzz", "/new", "/\(id)", "/\(id)?address=192.0.2.9&model=echo&origin=", "/\(id)/edit",
            "/\(id)/rotate", "/\(id)/retire", "/\(id)/reveal", "/\(id)/delete",
        ] {
            let page = try await keys.router.get("/console/keys" + path)
            #expect(page.status == 200, "\(path)")
            #expect(page.html.contains("lang=\"\(language.rawValue)\""))
            #expect(page.headers[.cacheControl] == "no-store")
        }
    }
}
