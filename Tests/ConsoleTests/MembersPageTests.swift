import Accounts
import Database
import HTTPTypes
import Management
import Secrets
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The page of members and platform tokens")
struct MembersPageTests {
    private let house: ManagementHouse
    private let router: ConsoleRouter
    private let root: User
    private let admin: User

    init() async throws {
        house = try ManagementHouse()
        router = try ConsoleRouter(house)
        admin = try await house.operators()
        root = try await house.tenant("Ada", for: admin)
        try await router.signIn(root)
    }

    private func post(_ path: String, _ fields: [(String, String)], password: String? = ManagementHouse.password)
        async throws -> ConsoleRouter.Answer
    {
        let csrf = try #require(try await router.get("/console/members").csrf)
        let proof = password.map { [("password", $0)] } ?? []
        return try await router.post(path, [("csrf", csrf)] + fields + proof)
    }

    private func secret(_ answer: ConsoleRouter.Answer) throws -> String {
        let box = try #require(answer.html.firstMatch(of: /<code class="secret"[^>]*>(.*?)<\/code>/))
        return String(box.output.1).replacing(/<[^>]*>/, with: "")
    }

    @Test("somebody is invited, the text is shown once, and they come in with it") func invite() async throws {
        let made = try await post("/console/members/invite", [("email", "new@ada.example"), ("role", "member")])
        #expect(made.status == 200 && made.headers[.cacheControl] == "no-store")
        let token = try secret(made)
        #expect(made.html.contains("latchkey.test/console/invitation"))
        let list = try await router.get("/console/members")
        #expect(list.html.contains("new@ada.example") && !list.html.contains(token))
        let user = try await house.accounts.accept(
            invitation: token, password: good(ManagementHouse.password), by: .test)
        #expect(user.role == .member && user.account == root.account)
    }

    @Test("a wrong password invites nobody, keeps what was typed, and sends no password back") func wrong() async throws
    {
        let answer = try await post(
            "/console/members/invite", [("email", "new@ada.example"), ("role", "root")],
            password: "wrong words of somebody")
        #expect(answer.status == 400 && answer.html.contains("That isn’t your password."))
        #expect(answer.html.contains("value=\"new@ada.example\"") && answer.html.contains("value=\"root\" checked"))
        #expect(!answer.html.contains("wrong words of somebody"))
        #expect(!(try await router.get("/console/members").html.contains("new@ada.example")))
    }

    @Test("what is wrong with an address stands beside it, also when it is taken") func fields() async throws {
        let bad = try await post("/console/members/invite", [("email", "x<b>"), ("role", "member")])
        #expect(bad.status == 400 && bad.html.contains("Must be an e-mail address") && !bad.html.contains("x<b>"))
        let taken = try await post("/console/members/invite", [("email", root.email), ("role", "member")])
        #expect(taken.status == 409 && taken.html.contains("There is a user with this email already."))
    }

    @Test("a role is changed and somebody is removed, each after a proof; the last root user stays") func change()
        async throws
    {
        let bob = try await house.join(root.account, "bob@ada.example", as: .member, for: root)
        let form = try await router.get("/console/members/\(bob.id)/role")
        #expect(form.html.contains("Make bob@ada.example a root user?"))
        #expect(try await post("/console/members/\(bob.id)/role", [("role", "root")], password: nil).status == 400)
        let made = try await post("/console/members/\(bob.id)/role", [("role", "root")])
        #expect(made.status == 303 && made.location == "/console/members#user-\(bob.id)")
        #expect(try await router.get("/console/members").html.contains("<tr id=\"user-\(bob.id)\" class=\"new\">"))
        #expect(try await post("/console/members/\(bob.id)/remove", []).status == 303)
        #expect(!(try await router.get("/console/members").html.contains("bob@ada.example")))
        let last = try await post("/console/members/\(root.id)/role", [("role", "member")])
        #expect(last.status == 409 && last.html.contains("This is the account’s last root user."))
    }

    @Test("an invitation is withdrawn, and its text opens nothing") func withdraw() async throws {
        let token = try secret(
            try await post("/console/members/invite", [("email", "new@ada.example"), ("role", "member")]))
        let caller = try await house.session(of: root)
        let id = try #require(
            try await house.management.listInvitations(caller, to: root.account, Page()).items.first?.id)
        let path = "/console/members/invitations/\(id)/withdraw"
        #expect(try await router.get(path).html.contains("Withdraw the invitation of new@ada.example?"))
        #expect(try await post(path, []).status == 303)
        await #expect(throws: (any Error).self) {
            try await house.accounts.accept(invitation: token, password: good(ManagementHouse.password), by: .test)
        }
        #expect(try await router.get(path).status == 404)
    }

    @Test("a member looks on, is told what is for root users and whom to ask, and can do none of it") func member()
        async throws
    {
        let bob = try await house.join(root.account, "bob@ada.example", as: .member, for: root)
        try await router.signIn(bob)
        let page = try await router.get("/console/members")
        #expect(page.status == 200 && page.html.contains("You look on as a <b>member</b>."))
        #expect(page.html.contains("Ask root@ada.example."))
        #expect(!page.html.contains("/console/members/invite") && !page.html.contains("/remove\""))
        #expect(!page.html.contains("href=\"/console/audit\""))
        for path in [
            "/console/members/invite", "/console/members/\(root.id)/role", "/console/members/\(root.id)/remove",
        ] {
            let shown = try await router.get(path)
            #expect(shown.status == 403 && shown.html.contains("This is for root users of the account."), "\(path)")
            let sent = try await post(path, [("email", "x@ada.example"), ("role", "root")])
            #expect(sent.status == 403, "\(path)")
        }
        #expect(try await router.get("/console/audit").html.contains("This is for root users of the account."))
    }

    @Test("people of another account are as absent ones") func foreign() async throws {
        let eve = try await house.tenant("Eve", for: admin)
        for id in [eve.id, admin.id, root.account] {
            #expect(try await router.get("/console/members/\(id)/role").status == 404)
            #expect(try await post("/console/members/\(id)/remove", []).status == 404)
        }
        #expect(try await router.get("/console/members/x/role").status == 404)
    }

    @Test("a platform token is shown once, does what it may, and no more when it is revoked") func tokens() async throws
    {
        let none = try await post("/console/tokens/new", [("name", "CI <b>"), ("lifetime", "90")])
        #expect(none.status == 400 && none.html.contains("Choose at least one."))
        let made = try await post(
            "/console/tokens/new", [("name", "CI <b>"), ("scopes", "usage:read"), ("lifetime", "90")])
        #expect(made.status == 200 && made.html.contains("“CI &lt;b&gt;” is ready"))
        let token = try secret(made)
        let caller = try await house.caller(by: Secret(token))
        #expect(caller.actor?.user.id == root.id)
        let list = try await router.get("/console/members")
        #expect(list.html.contains("<bdi class=\"name\">CI &lt;b&gt;</bdi>") && !list.html.contains(token))
        let path = try #require(list.html.firstMatch(of: /href="(\/console\/tokens\/[0-9a-f-]+\/revoke)"/)).output.1
        #expect(try await router.get(String(path)).html.contains("Revoke “CI &lt;b&gt;”?"))
        #expect(try await post(String(path), [], password: nil).status == 303)
        await #expect(throws: Refusal.self) { try await house.caller(by: Secret(token)) }
    }

    @Test("every scope, role and lifetime has its words") func words() throws {
        let english = try #require(router.console.catalogues[.english])
        for scope in Scope.allCases { #expect(english.all["scope." + scope.rawValue] != nil, "\(scope)") }
        for role in Role.allCases {
            for key in [
                "role.\(role)", "role.\(role)_may", "role.title_\(role)", "role.lead_\(role)", "role.button_\(role)",
            ] {
                #expect(english.all[key] != nil, "\(key)")
            }
        }
    }
}
