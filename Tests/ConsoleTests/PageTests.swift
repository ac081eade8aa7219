import Accounts
import Applications
import Credentials
import HTTP
import HTTPTypes
import JSON
import Management
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The pages of the console")
struct PageTests {
    private let router: ConsoleRouter
    private let admin: User
    private let csrf: String

    init() async throws {
        router = try ConsoleRouter(try ManagementHouse())
        admin = try await router.house.operators()
        try await router.signIn(admin)
        csrf = try #require(try await router.get("/console/applications").csrf)
    }

    private static let hostile = "\"\u{301}><img src=x onerror=alert(1)>'\u{338}&amp; 猫🐈"

    private func make(_ name: String, _ more: [(String, String)] = []) async throws -> ConsoleRouter.Answer {
        try await router.post("/console/applications/new", [("csrf", csrf), ("name", name), ("model", "echo")] + more)
    }

    @Test("every page forbids what is in line or from elsewhere, and is kept by nobody")
    func headers() async throws {
        for path in [
            "/console/applications", "/console/applications/new", "/console/account", "/console/nothing",
            "/console/providers", "/console/providers/new", "/console/groups", "/console/groups/new",
            "/console/groups/standard", "/console/groups/standard/multiplier",
            "/console/groups/standard/multiplier?multiplier=2&begin=now", "/console/groups/standard/retire",
            "/console/health",
        ] {
            let page = try await router.get(path)
            let policy = try #require(page.headers[.contentSecurityPolicy])
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe") && !policy.contains("data:") && !policy.contains("*"))
            #expect(page.headers[.cacheControl] == "no-store" && page.headers[.xContentTypeOptions] == "nosniff")
            #expect(policy.contains("base-uri 'none'") && policy.contains("form-action 'self'"))
            #expect(page.headers[.referrerPolicy] == "same-origin")
            #expect(page.headers[.crossOriginOpenerPolicy] == "same-origin")
            #expect(page.headers[.contentType] == "text/html; charset=utf-8")
            #expect(!page.html.contains("style=\"") && !page.html.contains("<script>"))
            #expect(!page.html.contains("{{") && !page.html.contains("}}"), "\(path)")
        }
    }

    @Test("an app is made, marked once, changed and shown as it is") func application() async throws {
        let made = try await make("Support desk", [("system_prompt", "You are\r\na cat."), ("temperature", "0.70")])
        #expect(made.status == 303)
        let list = try await router.get("/console/applications")
        #expect(
            list.html.contains("Support desk") && list.html.contains("class=\"new\"") && list.html.contains("Created."))
        #expect(!(try await router.get("/console/applications").html.contains("class=\"new\"")))
        let id = try #require(made.location?.split(separator: "app-").last)
        let edit = try await router.get("/console/applications/\(id)/edit")
        #expect(edit.html.contains("You are\na cat.</textarea>") && edit.html.contains("value=\"0.70\""))
        let saved = try await router.post(
            "/console/applications/\(id)/edit",
            [("csrf", csrf), ("name", "Desk"), ("model", "echo"), ("system_prompt", ""), ("temperature", "")])
        #expect(saved.status == 303)
        let now = try await router.house.management.getApplication(
            try await router.house.session(of: admin), try #require(Identifier(String(id))))
        #expect(now.name == "Desk" && now.chat.systemPrompt == nil && now.chat.parameters.object.members.isEmpty)
    }

    @Test("an app that was deleted in another tab leaves what was typed for it, but for secrets")
    func deletedMeanwhile()
        async throws
    {
        let id = try #require(try await make("Cat").location?.split(separator: "app-").last)
        _ = try await router.post("/console/applications/\(id)/delete", [("csrf", csrf), ("name", "Cat")])
        let answer = try await router.post(
            "/console/applications/\(id)/edit",
            [
                ("csrf", csrf), ("name", "Cat"), ("model", "echo"), ("system_prompt", "long & dear"),
                ("password", "hidden"),
            ])
        #expect(answer.status == 404 && answer.html.contains("What you had typed"))
        #expect(answer.html.contains("System prompt") && answer.html.contains("long &amp; dear"))
        #expect(!answer.html.contains("<bdi>hidden"))
    }

    @Test("a form that is sent twice is done once, also at the same time") func twice() async throws {
        let page = try await router.get("/console/applications/new")
        let once = try #require(page.html.firstMatch(of: /name="once" value="(\w+)"/)).output.1
        let more = [("once", String(once))]
        let wrong = try await make(" ", more)
        #expect(wrong.status == 400)
        let first = try await make("Once", more)
        let second = try await make("Once", more)
        #expect(first.status == 303 && second.status == 303 && first.location == second.location)
        let third = try await make("Once", [("once", "another")])
        #expect(third.location != first.location)
        let sent = router.console.sent
        #expect(sent.claim("x") == .first && sent.claim("x") == .underWay)
        sent.done("x", nil)
        #expect(sent.claim("x") == .done(nil))
        router.house.platform.hand.advance(.seconds(601))
        #expect(sent.claim("x") == .first)
    }

    @Test("what breaks a rule is said beside its field, all at once, and what was typed stays") func faults()
        async throws
    {
        let answer = try await router.post(
            "/console/applications/new",
            [
                ("csrf", csrf), ("name", " blank"), ("model", "absent"), ("system_prompt", "kept & safe"),
                ("temperature", "hot"), ("top_p", "7"),
            ])
        #expect(answer.status == 400)
        #expect(answer.html.contains("value=\" blank\"") && answer.html.contains("kept &amp; safe</textarea>"))
        #expect(
            answer.html.contains("Must be a number from 0 to 2.")
                && answer.html.contains("Must be a number from 0 to 1."))
        #expect(answer.html.contains("Must be 1 to 100 characters"))
        let absent = try await router.post(
            "/console/applications/new", [("csrf", csrf), ("name", "Named"), ("model", "absent")])
        #expect(
            absent.status == 400 && absent.html.contains("class=\"fault\"") && absent.html.contains("value=\"Named\""))
    }

    @Test("no name gets out of its place, on any page, in any language", arguments: Language.allCases)
    func hostile(language: Language) async throws {
        router.language = language.rawValue
        let id = try #require(try await make(Self.hostile).location?.split(separator: "app-").last)
        for path in ["", "/\(id)", "/\(id)/edit", "/\(id)/delete"] {
            let page = try await router.get("/console/applications" + path)
            #expect(page.status == 200 && page.html.contains("&lt;img"))
            #expect(!page.html.contains("<img") && !page.html.contains("\"\u{301}>"), "\(path)")
        }
    }

    @Test("an app goes after its name was typed; with keys, after the password too") func deletion() async throws {
        let id = try #require(try await make("Cat").location?.split(separator: "app-").last)
        let application = try #require(Identifier(String(id)))
        let issued = try await router.house.management.createCredential(
            try await router.house.session(of: admin),
            CredentialDraft(application: application, name: try #require(OptionalName("Shop")), terms: KeyTerms()))
        let shown = try await router.get("/console/applications/\(id)")
        #expect(shown.html.contains(issued.key.credential.hint) && !shown.html.contains(issued.secret.exposed()))
        #expect(shown.html.contains("https://latchkey.test/v1</code>") && shown.html.contains("Bearer YOUR_KEY"))
        let path = "/console/applications/\(id)/delete"
        let page = try await router.get(path)
        #expect(page.html.contains("Shop") && page.html.contains(issued.key.credential.hint))
        #expect(!page.html.contains(issued.secret.exposed()))
        let wrongName = try await router.post(
            path, [("csrf", csrf), ("name", "cat"), ("password", ManagementHouse.password)])
        #expect(wrongName.status == 400 && wrongName.html.contains("Nothing was deleted."))
        let wrongPassword = try await router.post(
            path, [("csrf", csrf), ("name", "Cat"), ("password", "not the password at all")])
        #expect(wrongPassword.status == 400 && wrongPassword.html.contains("value=\"Cat\""))
        #expect(wrongPassword.html.contains("That isn’t your password."))
        #expect(!wrongPassword.html.contains("not the password at all"))
        let before = router.cookies["__Host-latchkey"]
        let gone = try await router.post(
            path, [("csrf", csrf), ("name", "Cat"), ("password", ManagementHouse.password)])
        #expect(gone.status == 303 && router.cookies["__Host-latchkey"] != before)
        // The session goes on under its new token.
        #expect(try await router.get("/console/applications").html.contains("Deleted."))
        #expect(try await router.get(path).status == 404)
    }

    @Test("a member is told what is for root users, and can't do it by the address either") func member() async throws {
        let member = try await router.house.join(admin.account, "m@operators.example", as: .member, for: admin)
        let other = try ConsoleRouter(router.house)
        try await other.signIn(member)
        let list = try await other.get("/console/applications")
        #expect(list.html.contains("is for root users") && !list.html.contains("/applications/new"))
        let refused = try await other.get("/console/applications/new")
        #expect(refused.status == 403 && refused.html.contains("This is for root users of the account."))
        #expect(refused.html.contains("<code>"))
    }

    @Test("a second factor begins with a proof, and its secret is shown once") func secondFactor() async throws {
        let began = try await router.post(
            "/console/account/second-factor", [("csrf", csrf), ("password", ManagementHouse.password)])
        #expect(began.status == 200 && began.html.contains("class=\"qr\""))
        let wrong = try await router.post(
            "/console/account/second-factor/confirm", [("csrf", csrf), ("code", "000000")])
        #expect(wrong.status == 400 && !wrong.html.contains("class=\"qr\""))
        let short = try await router.post("/console/account/second-factor/confirm", [("csrf", csrf), ("code", "1")])
        #expect(short.status == 400 && short.html.contains("the six digits"))
    }

    @Test("the style and the script are named by their content and kept for good") func assets() async throws {
        let sheet = router.console.assets.stylesheet
        let answer = try await router.get(sheet.path, [.acceptEncoding: "br, gzip;q=0.5"])
        #expect(answer.status == 200 && answer.headers[.contentEncoding] == "gzip")
        #expect(answer.headers[.cacheControl]?.contains("immutable") == true)
        let tag = try #require(answer.headers[.eTag])
        #expect(try await router.get(sheet.path, [.ifNoneMatch: tag]).status == 304)
        #expect(try await router.get("/console/assets/console.0.css").status == 404)
        let plain = try await router.get(sheet.path, [.acceptEncoding: "gzip;q=0"])
        #expect(plain.headers[.contentEncoding] == nil && plain.html.contains("--accent"))
        #expect(!plain.html.contains(/url\((?!#)/) && !plain.html.contains("@import"))
    }
}
