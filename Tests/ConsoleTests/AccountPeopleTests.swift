import Accounts
import Database
import HTTPTypes
import Management
import Secrets
import TestSupport
import Testing
import Values

@testable import Console

@Suite("An account's people, by its operators")
struct AccountPeopleTests {
    private let world: AccountHouse
    private var router: ConsoleRouter { world.router }
    private var house: ManagementHouse { world.house }

    init() async throws { world = try await AccountHouse() }

    private func person(_ user: User) -> String { "\(world.path)/members/\(user.id)" }

    @Test("the first root user is invited, and they let in the others") func invite() async throws {
        let account = try await world.empty()
        let path = "/console/accounts/\(account.id)"
        let page = try await router.get(path)
        #expect(page.html.contains("Nobody is in it.") && page.html.contains("href=\"\(path)/members/invite\""))
        let form = try await router.get(path + "/members/invite")
        #expect(form.html.contains("value=\"root\" checked"))
        let wrong = try await world.send(
            path + "/members/invite", ["email": "new@bare.example"], password: "wrong words of somebody")
        #expect(wrong.status == 400 && wrong.html.contains("value=\"new@bare.example\""))
        let made = try await world.send(path + "/members/invite", ["email": "new@bare.example"])
        let token = try AccountHouse.secret(made)
        #expect(made.html.contains("href=\"\(path)\" data-stored") && made.headers[.cacheControl] == "no-store")
        let listed = try await router.get(path)
        #expect(listed.html.contains("new@bare.example") && !listed.html.contains(token))
        let user = try await house.accounts.accept(
            invitation: token, password: good(ManagementHouse.password), by: .test)
        #expect(user.role == .root && user.account == account.id)
        let after = try await router.get(path)
        #expect(after.html.contains("Its own root users invite others") && !after.html.contains("/members/invite\""))
        let late = try await world.send(path + "/members/invite", ["email": "two@bare.example"])
        #expect(late.status == 409 && late.html.contains("The account has a root user."))
    }

    @Test("an invitation is withdrawn, and its text opens nothing") func withdraw() async throws {
        let account = try await world.empty()
        let path = "/console/accounts/\(account.id)"
        let token = try AccountHouse.secret(
            try await world.send(path + "/members/invite", ["email": "new@bare.example"]))
        let link = try #require(
            try await router.get(path).html.firstMatch(of: /href="([^"]*\/members\/invitations\/[^"]*\/withdraw)"/))
        let withdrawn = try await world.send(String(link.output.1))
        #expect(withdrawn.location == path)
        await #expect(throws: (any Error).self) {
            try await house.accounts.accept(invitation: token, password: good(ManagementHouse.password), by: .test)
        }
        #expect(try await router.get(String(link.output.1)).status == 404)
    }

    @Test("a role is taken away and given back as far as operators may, and somebody is removed") func roles()
        async throws
    {
        let bob = try await house.join(world.root.account, "bob@ada.example", as: .member, for: world.root)
        let page = try await router.get(world.path)
        #expect(page.html.contains("href=\"\(person(world.root))/role\""))
        #expect(!page.html.contains("href=\"\(person(bob))/role\""))
        let refused = try await world.send(person(bob) + "/role")
        #expect(refused.status == 409 && refused.html.contains("The account has a root user."))
        #expect(try await world.send(person(bob) + "/remove", password: nil).status == 400)
        let removed = try await world.send(person(bob) + "/remove")
        #expect(removed.location == world.path)
        let last = try await world.send(person(world.root) + "/role")
        #expect(last.status == 409 && last.html.contains("This is the account’s last root user."))
        // They may have joined with an address that is another's.
        #expect(try await world.send(person(world.root) + "/remove").status == 303)
        #expect(try await router.get(world.path).html.contains("Nobody is in it."))
    }

    @Test("a password reset is shown once and sets a new password") func reset() async throws {
        let path = person(world.root) + "/password-reset"
        #expect(try await router.get(path).html.contains("Make a password reset for \(world.root.email)?"))
        #expect(try await world.send(path, password: "wrong words of somebody").status == 400)
        let made = try await world.send(path)
        let token = try AccountHouse.secret(made)
        #expect(made.status == 200 && made.html.contains("latchkey.test/console/reset"))
        #expect(try await !router.get(world.path).html.contains(token))
        try await house.management.acceptPasswordReset(
            house.nobody, token: good(token), password: good("eight red kites over hills"))
        await #expect(throws: Refusal.self) { _ = try await house.session(of: world.root) }
    }

    @Test("a second factor that is not there is no one's to remove") func factor() async throws {
        let path = person(world.root) + "/second-factor"
        #expect(try await !router.get(world.path).html.contains(path))
        let none = try await world.send(path)
        #expect(none.status == 409 && none.html.contains("There is no second factor."))
    }

    @Test("somebody of another account is an absent one") func foreign() async throws {
        let eve = try await house.tenant("Eve", for: world.admin)
        for word in ["role", "remove", "password-reset", "second-factor"] {
            let csrf = try #require(try await router.get(world.path + "/edit").csrf)
            for id in [eve.id.description, world.admin.id.description, "x"] {
                let path = "\(world.path)/members/\(id)/\(word)"
                #expect(try await router.get(path).status == 404, "\(path)")
                let fields = [("csrf", csrf), ("password", ManagementHouse.password), ("role", "member")]
                #expect(try await router.post(path, fields).status == 404, "\(path)")
            }
        }
    }

    @Test("the record of one account is read by its operators, and by nobody else") func audit() async throws {
        _ = try await world.empty("Elsewhere")
        let page = try await router.get("/console/audit?of=\(world.root.account)")
        #expect(page.html.contains("<b>Created the account</b>") && page.html.contains("<b>Joined</b>"))
        #expect(page.html.contains("aria-current=\"page\"><bdi>Ada</bdi>") && !page.html.contains("Elsewhere"))
        #expect(page.html.contains("name=\"of\" value=\"\(world.root.account)\""))
        #expect(page.html.contains(world.root.email))
        #expect(try await router.get(world.path).html.contains("href=\"/console/audit?of=\(world.root.account)\""))
        #expect(try await router.get("/console/audit?of=x").html.contains("Clear the filter to see everything."))
        #expect(try await router.get("/console/audit?of=\(world.admin.id)").status == 404)
        try await router.signIn(world.root)
        let own = try await router.get("/console/audit?of=\(world.admin.account)")
        #expect(own.status == 200 && !own.html.contains(world.admin.email) && !own.html.contains("Operators<"))
    }
}
