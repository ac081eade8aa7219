import Accounts
import Catalog
import Management
import Policy
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The pages of accounts")
struct AccountsPageTests {
    private let world: AccountHouse
    private var router: ConsoleRouter { world.router }

    init() async throws { world = try await AccountHouse() }

    private static var rows: Regex<Substring> { /<tr id="account-/ }

    @Test("all accounts are listed, page after page, the newest first") func list() async throws {
        for number in 0..<55 {
            world.house.hand.advance(.seconds(1))
            _ = try await world.empty("Many \(number)")
        }
        let first = try await router.get("/console/accounts")
        #expect(first.html.matches(of: Self.rows).count == 50 && first.html.contains("Many 54"))
        let next = try #require(first.html.firstMatch(of: /href="(\/console\/accounts\?after=[^"]+)"/)).output.1
        let second = try await router.get(String(next))
        #expect(second.html.matches(of: Self.rows).count == 7 && second.html.contains("yours"))
        #expect(second.html.contains("No credits left") && second.html.contains("href=\"/console/accounts\">First"))
        let none = try await router.get("/console/accounts?after=00000000-0000-7000-8000-000000000000")
        #expect(none.status == 200 && none.html.contains("There are no more accounts on this page."))
    }

    @Test("are for admins alone, under any address and any method") func permission() async throws {
        #expect(try await router.get("/console/applications").html.contains("href=\"/console/accounts\""))
        try await router.signIn(world.root)
        let start = try await router.get("/console/applications")
        let csrf = try #require(start.csrf)
        #expect(!start.html.contains("href=\"/console/accounts\""))
        let user = "\(world.path)/members/\(world.root.id)"
        let forms = ["edit", "grant", "adjustment", "suspend", "resume", "close", "members/invite"]
        let paths =
            ["/console/accounts/new"] + forms.map { world.path + "/" + $0 }
            + ["role", "remove", "password-reset", "second-factor"].map { user + "/" + $0 }
        for path in ["/console/accounts", world.path] + paths {
            let shown = try await router.get(path)
            #expect(shown.status == 403 && shown.html.contains("This is for admins of the deployment."), "\(path)")
        }
        for path in paths {
            let sent = try await router.post(path, [("csrf", csrf), ("password", ManagementHouse.password)])
            #expect(sent.status == 403, "\(path)")
        }
        #expect(try await !world.account().isSuspended)
    }

    @Test("an account is made with what the form says, and led to") func create() async throws {
        try await world.groups(100...202)
        let path = "/console/accounts/new"
        let bad = try await world.send(path, ["name": " blank", "credential_cap": "99", "default_group": "No"])
        #expect(bad.status == 400 && bad.html.contains("value=\" blank\""))
        #expect(bad.html.contains("Must be 1 to 100 characters") && bad.html.contains("Must be 1 to 40 characters"))
        #expect(bad.html.matches(of: /<p class="fault">/).count == 3)
        let absent = try await world.send(path, ["name": "Data", "default_group": "absent"])
        #expect(absent.status == 400 && absent.html.contains("Names no pricing group that can be chosen."))
        let form = try await router.get(path)
        #expect(form.html.contains("value=\"standard\" selected") && form.html.contains("value=\"10\" selected"))
        #expect(form.html.contains("value=\"group-202\""))
        let made = try await router.save(
            path,
            [
                "name": ["Data <b>"], "credential_cap": ["3"], "default_group": ["group-201"],
                "groups": ["group-202", "standard"],
            ])
        let location = try #require(made.location)
        #expect(made.status == 303 && location.hasPrefix("/console/accounts/"))
        let page = try await router.get(location)
        #expect(page.html.contains("Data &lt;b&gt;") && page.html.contains("Created."))
        let id = try #require(Identifier(String(location.split(separator: "/").last ?? "")))
        let account = try await world.house.accounts.account(id)
        #expect(account.cap.value == 3 && account.defaultGroup == "group-201")
        #expect(account.groups == ["group-202", "standard"])
    }

    @Test("a save changes what was changed, also where somebody else changed the rest meanwhile") func edit()
        async throws
    {
        try await world.groups(1...3)
        let path = world.path + "/edit"
        let open = try await router.get(path).fields(to: path)
        var meanwhile = AccountEdit()
        (meanwhile.groups, meanwhile.cap) = (try [good("group-1"), good("group-2")], CredentialCap(5))
        _ = try await world.house.accounts.edit(world.root.account, meanwhile, by: .test)
        let renamed = try await router.post(path, open.filter { $0.0 != "name" } + [("name", "Ada & Co")])
        #expect(renamed.status == 303 && renamed.location == world.path)
        var account = try await world.account()
        #expect(account.name == "Ada & Co" && account.cap.value == 5 && account.groups == ["group-1", "group-2"])
        // What is retired stays with who has it, and nobody else is offered it.
        _ = try await world.house.catalog.retireGroup("group-2", true, by: .test)
        #expect(try await !router.get("/console/accounts/new").html.contains("value=\"group-2\""))
        #expect(try await router.save(path, ["groups": ["group-2", "group-3"]]).status == 303)
        #expect(try await world.account().groups == ["group-2", "group-3"])
        #expect(try await router.save(path, ["groups": [], "default_group": ["group-1"]]).status == 303)
        account = try await world.account()
        #expect(account.groups.isEmpty && account.defaultGroup == "group-1")
    }

    @Test("suspending says what stops, and resuming that it goes on") func suspend() async throws {
        let form = try await router.get(world.path + "/suspend")
        #expect(form.html.contains("Suspend “Ada”?") && form.html.contains("is refused (0 calls this month)"))
        #expect(try await !world.account().isSuspended)
        #expect(try await world.send(world.path + "/suspend").location == world.path)
        #expect(try await world.account().isSuspended)
        let page = try await router.get(world.path)
        #expect(page.html.contains("None of its keys works") && page.html.contains(world.path + "/resume"))
        #expect(!page.html.contains(world.path + "/suspend"))
        #expect(try await world.send(world.path + "/resume").status == 303)
        #expect(try await !world.account().isSuspended)
    }

    @Test("closing names what goes, asks for the name and the password, and leaves the ledger") func close()
        async throws
    {
        _ = try await world.house.accounts.invite(
            good("new@ada.example"), as: .member, to: world.root.account, for: world.root, by: .test)
        let path = world.path + "/close"
        let form = try await router.get(path)
        for text in [world.root.email, "new@ada.example", "All of them, with the next call"] {
            #expect(form.html.contains(text), "\(text)")
        }
        let wrongName = try await world.send(path, ["name": "ada"])
        #expect(wrongName.status == 400 && wrongName.html.contains("The account stays open."))
        let wrongPassword = try await world.send(path, ["name": "Ada"], password: "wrong words of somebody")
        #expect(wrongPassword.status == 400 && wrongPassword.html.contains("value=\"Ada\""))
        #expect(try await world.account().closedAt == nil)
        let own = "/console/accounts/\(world.admin.account)"
        #expect(try await !router.get(own).html.contains(own + "/close"))
        let refused = try await world.send(own + "/close", ["name": "Operators"])
        #expect(refused.status == 409 && refused.html.contains("This is the account that you are in."))
        #expect(try await world.send(path, ["name": "Ada"]).status == 303)
        #expect(try await world.account().closedAt != nil)
        let page = try await router.get(world.path)
        #expect(page.html.contains("Closed") && page.html.contains("its people are gone"))
        for word in ["edit", "grant", "suspend", "resume", "close", "members/invite"] {
            #expect(!page.html.contains("href=\"\(world.path)/\(word)"), "\(word)")
        }
        #expect(page.html.contains("href=\"\(world.path)/adjustment"))
        let late = try await world.send(world.path + "/edit", ["name": "Ada again"])
        #expect(late.status == 409 && late.html.contains("The account is closed, for good."))
    }

    @Test("an account that isn't there is a page that says so") func absent() async throws {
        for id in ["x", world.admin.id.description] {
            for word in ["", "/edit", "/grant", "/adjustment", "/suspend", "/resume", "/close", "/members/invite"] {
                let page = try await router.get("/console/accounts/\(id)\(word)")
                let isForm = word == "/members/invite" && id != "x"
                #expect(page.status == (isForm ? 200 : 404), "\(id)\(word)")
            }
        }
    }

    @Test("no name gets out of its place, in any language", arguments: Language.allCases)
    func hostile(language: Language) async throws {
        router.language = language.rawValue
        let name = "\"\u{301}><img src=x onerror=alert(1)>'\u{338}&amp; 猫🐈"
        let account = try await world.empty(name)
        let path = "/console/accounts/\(account.id)"
        #expect(try await world.send(path + "/grant", ["amount": "5", "reason": name]).html.contains("&lt;img"))
        _ = try await world.house.management.createGrant(
            try await world.house.session(of: world.admin), to: account.id, Credits(micro: 1), reason: good(name))
        for word in ["", "/edit", "/grant", "/adjustment", "/suspend", "/resume", "/close"] {
            let page = try await router.get(path + word)
            #expect(page.status == 200 && page.html.contains("&lt;img"), "\(word)")
            #expect(!page.html.contains("<img") && !page.html.contains("\"\u{301}>"), "\(word)")
        }
        for page in ["/console/accounts", "/console/audit?of=\(account.id)"] {
            let html = try await router.get(page).html
            #expect(html.contains("&lt;img") && !html.contains("<img"))
        }
    }
}
