import Credentials
import HTTPTypes
import Management
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Console

@Suite("Keys revealed, rotated, explained and deleted in the console")
struct KeyStepTests {
    private static let password = ("password", ManagementHouse.password)

    @Test("a secret is shown again for the password each time, and for no other") func reveal() async throws {
        let keys = try await KeyHouse()
        let issued = try await keys.key("one", isRevealable: true)
        let path = "/console/keys/\(issued.key.credential.id)/reveal"
        let wrong = try await keys.send(path, [("password", "not the password at all")])
        #expect(wrong.status == 400 && wrong.html.contains("That isn’t your password. Nothing was changed."))
        let shown = try await keys.send(path, [Self.password])
        let plain = shown.html.replacing(/<[^>]+>/, with: "")
        #expect(shown.status == 200 && plain.contains(issued.secret.exposed()))
        #expect(shown.html.contains("data-hide=\"60\"") && shown.headers[values: .init("Refresh")!].count == 1)
        #expect(try await keys.send(path, []).status == 400)
    }

    @Test("a key that was shown once has nothing to show") func once() async throws {
        let keys = try await KeyHouse()
        let id = try await keys.key("one").key.credential.id
        let answer = try await keys.send("/console/keys/\(id)/reveal", [Self.password])
        #expect(answer.status == 409 && answer.html.contains("This key was shown once"))
    }

    @Test("a rotation shows the new secret, then both with what is safe; the old one is retired") func rotate()
        async throws
    {
        let keys = try await KeyHouse()
        let issued = try await keys.key("one")
        let path = "/console/keys/\(issued.key.credential.id)"
        let shown = try await keys.send(path + "/rotate", [("overlap", "86400")])
        let secret = try #require(shown.html.firstMatch(of: /Bearer (sk-[0-9A-Za-z]{51})/)).output.1
        #expect(shown.status == 200 && secret != issued.secret.exposed())
        let page = try await keys.router.get(path).html
        #expect(page.contains("overlap ends <b>2 Jun 2026, 12:00 UTC</b>") && page.contains("Not safe to retire yet."))
        #expect(!page.contains(secret))
        #expect(try await keys.send(path + "/rotate", [("overlap", "60")]).status == 400)
        let again = try await keys.send(path + "/rotate", [("overlap", "3600")])
        #expect(again.status == 409 && again.html.contains("The key has two secrets now."))
        #expect(try await keys.send(path + "/retire", []).status == 303)
        #expect(try await keys.keys().first?.retiring == nil)
    }

    @Test("an old session types its password first, and the choice stays") func stale() async throws {
        let keys = try await KeyHouse()
        let id = try await keys.key("one").key.credential.id
        keys.house.hand.set(keys.house.hand.now.adding(.seconds(1200)))
        let path = "/console/keys/\(id)/rotate"
        #expect(try await keys.router.get(path).html.contains("name=\"password\""))
        let asked = try await keys.send(path, [("overlap", "0"), ("password", "")])
        #expect(asked.status == 400 && asked.html.contains("value=\"0\" checked"))
        #expect(try await keys.send(path, [("overlap", "0"), Self.password]).status == 200)
    }

    @Test("a deletion names what ends, and takes the name and the password, which keep each other") func delete()
        async throws
    {
        let keys = try await KeyHouse()
        let issued = try await keys.key("Old laptop")
        let path = "/console/keys/\(issued.key.credential.id)/delete"
        let page = try await keys.router.get(path).html
        for text in ["Support &lt;b&gt;desk", "Calls in the last 24 h", issued.key.credential.hint, "Never"] {
            #expect(page.contains(text), "\(text)")
        }
        let misnamed = try await keys.send(path, [("name", "old laptop"), Self.password])
        #expect(misnamed.status == 400 && misnamed.html.contains("This isn’t the name. Nothing was deleted."))
        let wrong = try await keys.send(path, [("name", "Old laptop"), ("password", "another one, not mine")])
        #expect(wrong.status == 400 && wrong.html.contains("value=\"Old laptop\""))
        #expect(!wrong.html.contains("another one, not mine"))
        #expect(try await keys.keys().count == 1)
        let done = try await keys.send(path, [("name", "Old laptop"), Self.password])
        #expect(done.status == 303 && done.location == "/console/keys")
        #expect(try await keys.keys().isEmpty)
    }

    @Test("why a call would be refused is told, step by step") func explain() async throws {
        let keys = try await KeyHouse()
        let id = try await keys.key("one", KeyTerms(addresses: [good("192.0.2.0/24")])).key.credential.id
        let page = try await keys.router.get("/console/keys/\(id)?address=203.0.113.7&model=echo&origin=").html
        #expect(page.contains("ip_not_allowed") && page.contains("203.0.113.7 ∕ 192.0.2.0/24"))
        #expect(page.matches(of: /<li class="(passed|denied|)">/).count == 10)
        let wrong = try await keys.router.get("/console/keys/\(id)?address=here&model=echo").html
        #expect(wrong.contains("Must be an IPv4 or IPv6 address") && !wrong.contains("steplist"))
    }

    @Test("hints: the secret is old, the key unused") func hints() async throws {
        let keys = try await KeyHouse()
        let id = try await keys.key("one").key.credential.id
        keys.house.hand.set(keys.house.hand.now.adding(.seconds(200 * 86_400)))
        try await keys.router.signIn(keys.root)
        let page = try await keys.router.get("/console/keys/\(id)").html
        #expect(page.contains("Unused for 200 days") && page.contains("Secret is 200 days old; rotate it"))
        #expect(try await keys.router.get("/console/keys").html.contains("Unused for 200 days"))
    }
}
