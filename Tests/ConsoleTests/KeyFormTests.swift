import Credentials
import HTTPTypes
import Management
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Console

@Suite("Keys made and changed in the console")
struct KeyFormTests {
    @Test("a key is made with all that was asked, and its secret is in that one answer") func made() async throws {
        let keys = try await KeyHouse()
        let page = try await keys.create([
            ("name", "Spring"), ("monthly_limit", "1,000"), ("limited_amount", "20.5"), ("expiry", "90"),
            ("ip_allowlist", "192.0.2.7\r\n2001:db8::/32"), ("labels", "b, a"), ("environment", "production"),
        ])
        #expect(page.status == 200 && page.headers[.cacheControl] == "no-store")
        let key = try #require(try await keys.keys().first)
        #expect(key.name == "Spring" && key.labels == ["a", "b"] && key.environment == "production")
        #expect(key.terms.monthlyLimit?.decimal == "1000" && key.terms.creditLimit?.decimal == "20.5")
        #expect(key.terms.expiresAt == keys.house.hand.now.adding(.seconds(90 * 86_400)))
        #expect(key.terms.addresses?.map(\.text) == ["192.0.2.7", "2001:db8::/32"])
        let secret = try #require(page.html.firstMatch(of: /Bearer (sk-[0-9A-Za-z]{51})/)).output.1
        #expect(page.html.contains("https://latchkey.test/v1"))
        #expect(page.headers[values: .setCookie].allSatisfy { !$0.contains(secret) })
        let stored = try await keys.send("/console/keys/\(key.id)/stored", [("stored", "yes")])
        #expect(stored.status == 303 && stored.location == "/console/keys#key-\(key.id)")
        let list = try await keys.router.get("/console/keys")
        #expect(list.html.contains("class=\"new\"") && !list.html.contains(secret))
        #expect(try await !keys.router.get("/console/keys").html.contains("class=\"new\""))
    }

    @Test("a form that is sent twice makes one key") func twice() async throws {
        let keys = try await KeyHouse()
        #expect(try await keys.create([], once: "same").status == 200)
        let again = try await keys.create([], once: "same")
        #expect(again.status == 409 && again.html.contains("This form was sent before, and done."))
        #expect(try await keys.keys().count == 1)
    }

    @Test("a form that was refused may be sent again") func again() async throws {
        let keys = try await KeyHouse()
        #expect(
            try await keys.create([("expiry", "date"), ("expired_at", "2020-01-01T00:00")], once: "a").status == 400)
        #expect(try await keys.create([], once: "a").status == 200)
    }

    @Test(
        "what can't be so is said beside its field, and nothing that was typed is lost",
        arguments: [
            ("name", "", "This has to be filled in."), ("name", String(repeating: "n", count: 200), "1 to 100"),
            ("monthly_limit", "many", "number of credits"), ("limited_amount", "-1", "number of credits"),
            ("expired_at", "2020-01-01T00:00", "This time has passed."), ("expired_at", "soon", "a date and time"),
            ("ip_allowlist", "192.0.2.300", "no IP address"), ("host", "https://x", "Must be a host name"),
            ("labels", "UPPER", "Must be 1 to 32 characters"), ("environment", "a b", "Must be 1 to 32 characters"),
            ("group", "gold", "Names no pricing group"), ("models", "unknown", "Is not among the models"),
        ])
    func refused(field: String, value: String, sentence: String) async throws {
        let keys = try await KeyHouse()
        let typed = field == "host" ? ("labels", "kept-word") : ("host", "kept.example.com")
        let page = try await keys.create(
            [(field, value), typed] + (field == "expired_at" ? [("expiry", "date")] : []))
        #expect(page.status == 400)
        #expect(page.html.contains(sentence), "\(page.html)")
        #expect(page.html.contains(typed.1) && page.html.contains("class=\"fault\""))
        #expect(try await keys.keys().isEmpty)
    }

    @Test("a name with markup, other directions or 100 characters breaks nothing") func names() async throws {
        let keys = try await KeyHouse()
        for name in ["\"><img src=x onerror=alert(1)>", "مفتاح 🔑", String(repeating: "W", count: 100)] {
            let page = try await keys.create([("name", name)])
            #expect(page.status == 200 && !page.html.contains("<img"), "\(name)")
        }
        let list = try await keys.router.get("/console/keys").html
        #expect(list.contains("مفتاح 🔑") && !list.contains("<img"))
        for key in try await keys.keys() {
            #expect(try await keys.router.get("/console/keys/\(key.id)").status == 200)
        }
    }

    @Test("an edit says all that the form has, keeps a date that nobody touched, and marks the row") func edited()
        async throws
    {
        let keys = try await KeyHouse()
        let end = keys.house.hand.now.adding(.seconds(3661))
        let id = try await keys.key("old", KeyTerms(expiresAt: end, creditLimit: .zero)).key.credential.id
        let form = try await keys.router.get("/console/keys/\(id)/edit").html
        let shown = String(end.rfc3339.prefix(16))
        #expect(form.contains("value=\"\(shown)\"") && !form.contains("name=\"application_id\""))
        let sent = try await keys.send(
            "/console/keys/\(id)/edit",
            [
                ("name", "new"), ("monthly_limit", "5"), ("limited_amount", ""), ("expiry", "date"),
                ("expired_at", shown), ("enabled", "no"), ("environment", "testing"),
            ])
        #expect(sent.status == 303 && sent.location == "/console/keys#key-\(id)")
        let key = try #require(try await keys.keys().first)
        #expect(key.name == "new" && key.terms.expiresAt == end && key.terms.creditLimit == nil && !key.isEnabled)
        #expect(key.terms.monthlyLimit?.decimal == "5" && key.environment == "testing")
        #expect(try await keys.router.get("/console/keys").html.contains("class=\"new\""))
    }

    @Test("a key that was deleted in another tab is a clear page") func gone() async throws {
        let keys = try await KeyHouse()
        let id = try await keys.key("one").key.credential.id
        try await keys.house.management.deleteCredential(try await keys.house.session(of: keys.root), id)
        let page = try await keys.send("/console/keys/\(id)/edit", [("name", "x")])
        #expect(page.status == 404 && page.html.contains("It was deleted, or it never was."))
    }
}
