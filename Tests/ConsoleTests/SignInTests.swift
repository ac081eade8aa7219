import Accounts
import HTTP
import HTTPTypes
import Secrets
import TestSupport
import Testing
import Values

@testable import Console

@Suite("Coming in by the console")
struct SignInTests {
    private let router: ConsoleRouter
    private let admin: User

    init() async throws {
        router = try ConsoleRouter(try ManagementHouse())
        admin = try await router.house.operators()
    }

    @Test("who is not signed in is sent to the door, and from there to where they wanted to go") func target()
        async throws
    {
        let sent = try await router.get("/console/applications?after=x")
        #expect(sent.status == 303 && sent.location == "/console/sign-in?next=%2Fconsole%2Fapplications%3Fafter%3Dx")
        let page = try await router.get(sent.location ?? "")
        #expect(page.html.contains("name=\"next\" value=\"/console/applications?after=x\""))
        let opened = try await router.post(
            "/console/sign-in",
            [("email", admin.email), ("password", ManagementHouse.password), ("next", "/console/applications?after=x")])
        #expect(opened.status == 303 && opened.location == "/console/applications?after=x")
        #expect(router.cookies["__Host-latchkey"] != nil)
        #expect(try await router.get("/console/applications").status == 200)
    }

    @Test(
        "a sign-in leads to no other site",
        arguments: [
            "https://evil.example", "//evil.example", "/\\evil.example", "/console//../..//evil.example\\",
            "javascript:1",
            "/api/v1/applications", "/consolexyz", "/console/a b",
        ])
    func open(next: String) async throws {
        let opened = try await router.post(
            "/console/sign-in", [("email", admin.email), ("password", ManagementHouse.password), ("next", next)])
        #expect(opened.status == 303 && opened.location == "/console")
    }

    @Test("a wrong password keeps the address that was typed, and no password comes back") func wrong() async throws {
        let answer = try await router.post(
            "/console/sign-in", [("email", admin.email), ("password", "wrong password of somebody")])
        #expect(answer.status == 401 && answer.html.contains("value=\"\(admin.email)\""))
        #expect(answer.html.contains("The email, the password or the code is wrong."))
        #expect(!answer.html.contains("wrong password of somebody"))
    }

    @Test(
        "a form of a foreign page is refused, also before the sign-in, and so is one that says nothing of where it is from"
    )
    func foreign() async throws {
        let fields = [("email", admin.email), ("password", ManagementHouse.password)]
        for origin in ["https://evil.example", "null", "https://latchkey.test.evil.example"] {
            let answer = try await router.post("/console/sign-in", fields, origin: origin)
            #expect(answer.status == 403 && answer.html.contains("csrf_failed"))
        }
        #expect(try await router.post("/console/sign-in", fields, origin: nil).status == 403)
        let name = try #require(HTTPField.Name("Sec-Fetch-Site"))
        #expect(
            try await router.post("/console/sign-in", fields, origin: nil, [name: "cross-site"]).status == 403)
        #expect(
            try await router.post("/console/sign-in", fields, origin: nil, [name: "same-origin"]).status == 303)
    }

    @Test("who is signed in needs the session's token too, which each page has under another mask") func token()
        async throws
    {
        try await router.signIn(admin)
        let one = try await router.get("/console/applications")
        let two = try await router.get("/console/applications")
        let csrf = try #require(one.csrf)
        #expect(csrf != two.csrf)
        for wrong in ["", "x", String(csrf.reversed())] {
            let answer = try await router.post("/console/sign-out", [("csrf", wrong)])
            #expect(answer.status == 403 && answer.html.contains("csrf_failed"))
        }
        let out = try await router.post("/console/sign-out", [("csrf", csrf)])
        #expect(out.status == 303 && out.location == "/console/sign-in")
        #expect(out.headers[.clearSiteData]?.contains("storage") == true)
        #expect(router.cookies["__Host-latchkey"] == nil)
        #expect(try await router.get("/console/sign-in").html.contains("You are signed out."))
    }

    @Test("a form whose session is over is carried through the sign-in, but for what is secret") func carried()
        async throws
    {
        try await router.signIn(admin)
        let csrf = try #require(try await router.get("/console/applications").csrf)
        router.forget("__Host-latchkey")
        let ended = try await router.post(
            "/console/applications/new",
            [("csrf", csrf), ("name", "Kept \"name\""), ("model", "echo"), ("password", "never sent back")])
        #expect(ended.status == 401 && ended.html.contains("name=\"carried.name\" value=\"Kept &quot;name&quot;\""))
        #expect(!ended.html.contains("never sent back"))
        let resumed = try await router.post(
            "/console/sign-in",
            [
                ("email", admin.email), ("password", ManagementHouse.password),
                ("carried_to", "/console/applications/new"), ("carried.name", "Kept \"name\""),
                ("carried.model", "echo"),
            ])
        #expect(resumed.status == 200 && resumed.html.contains("action=\"/console/applications/new\""))
        #expect(resumed.html.contains("name=\"name\" value=\"Kept &quot;name&quot;\""))
        let made = try await router.post(
            "/console/applications/new",
            [("csrf", try #require(resumed.csrf)), ("name", "Kept \"name\""), ("model", "echo")])
        #expect(made.status == 303)
    }

    @Test("the longest prompt is carried through both steps of a sign-in") func carriedPrompt() async throws {
        // Nine bytes for each character, as a form has them.
        let prompt = String(repeating: "猫", count: 32_768)
        try await router.signIn(admin)
        let csrf = try #require(try await router.get("/console/applications").csrf)
        router.forge("__Host-latchkey")
        let ended = try await router.post(
            "/console/applications/new",
            [("csrf", csrf), ("name", "Long"), ("model", "echo"), ("system_prompt", prompt)])
        #expect(ended.status == 401)
        router.forget("__Host-latchkey")
        let fields = ended.fields(to: "/console/sign-in").filter { !["email", "password"].contains($0.0) }
        #expect(fields.contains { $0 == ("carried.system_prompt", prompt) })
        let late = try await router.post(
            "/console/sign-in/code", fields + [("waiting", "no more"), ("code", "123456")])
        #expect(late.status == 409)
        let resumed = try await router.post(
            "/console/sign-in", fields + [("email", admin.email), ("password", ManagementHouse.password)])
        #expect(resumed.status == 200 && resumed.html.contains(prompt))
        let path = "/console/applications/new"
        #expect(try await router.post(path, resumed.fields(to: path)).status == 303)
    }

    @Test("a sign-in has a longest form too") func tooLong() async throws {
        let long = [("email", admin.email), ("password", String(repeating: "p", count: Form.longestCarrying))]
        #expect(try await router.post("/console/sign-in", long).status == 413)
        let open = [("language", "en"), ("next", String(repeating: "p", count: Form.longestOpen))]
        #expect(try await router.post("/console/preferences", open).status == 413)
    }

    @Test("over plain HTTP the door says that it needs HTTPS, and takes no password") func plain() async throws {
        let name = try #require(HTTPField.Name("X-Forwarded-Proto"))
        let page = try await router.call(.get, "/console/sign-in", [name: "http"])
        #expect(page.html.contains("This page needs HTTPS") && !page.html.contains("type=\"password\""))
        let sent = try await router.post(
            "/console/sign-in", [("email", admin.email), ("password", ManagementHouse.password)],
            origin: "http://latchkey.test", [name: "http"])
        #expect(sent.status == 400 && router.cookies["__Host-latchkey"] == nil)
    }

    @Test("the language is what the browser asks for, until another one is chosen") func language() async throws {
        router.language = "de, zh-CN;q=0.9, en;q=0.8"
        #expect(try await router.get("/console/sign-in").html.contains("<html lang=\"zh-Hans\""))
        let chosen = try await router.post(
            "/console/preferences", [("language", "en"), ("next", "/console/sign-in")])
        #expect(chosen.status == 303 && chosen.location == "/console/sign-in")
        #expect(try await router.get("/console/sign-in").html.contains("<html lang=\"en\""))
        #expect(try await router.post("/console/preferences", [("language", "xx")]).status == 400)
    }
}
