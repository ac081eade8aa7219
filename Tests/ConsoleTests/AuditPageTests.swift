import Accounts
import Audit
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The page of the audit record")
struct AuditPageTests {
    private let world: CalledAccount
    private var router: ConsoleRouter { world.router }

    init() async throws {
        world = try await CalledAccount()
        try await router.signIn(world.root)
    }

    private func rows(_ query: String) async throws -> Int {
        let page = try await router.get("/console/audit" + query)
        #expect(page.status == 200, "\(query)")
        return page.html.matches(of: /<tr><th scope="row">/).count
    }

    @Test("says in words who did what on what, from where") func words() async throws {
        let page = try await router.get("/console/audit")
        #expect(page.html.contains("<b>Created an application</b><small><bdi>Cat</bdi></small>"))
        #expect(page.html.contains("<b>Signed in</b>"))
        #expect(page.html.contains("root@ada.example"))
        // Who granted the credits is the operators' business.
        #expect(page.html.contains("<b>Granted credits</b>") && page.html.contains("The operators"))
        #expect(!page.html.contains(world.admin.email))
    }

    @Test("is narrowed by person, action and days of UTC") func filters() async throws {
        let all = try await rows("")
        #expect(all > 3)
        #expect(try await rows("?action=application.create") == 1)
        #expect(try await rows("?action=application.create&actor=\(world.root.id)") == 1)
        #expect(try await rows("?action=application.create&actor=\(world.admin.id)") == 0)
        #expect(try await rows("?from=2026-07-15&to=2026-07-15") > 0)
        #expect(try await rows("?to=2026-01-01") == 0)
        #expect(try await rows("?from=&to=&actor=&action=") == all)
        for query in ["?action=x", "?actor=x", "?from=x", "?from=2026-07-02&to=2026-07-01"] {
            let page = try await router.get("/console/audit" + query)
            #expect(page.html.contains("Clear the filter to see everything."), "\(query)")
            #expect(!page.html.contains("<table"))
        }
    }

    @Test("an operator reads their own account's, and on request all") func all() async throws {
        try await router.signIn(world.admin)
        let own = try await router.get("/console/audit")
        #expect(own.html.contains("href=\"/console/audit?of=all\"") && !own.html.contains("<b>Created an application"))
        let all = try await router.get("/console/audit?of=all&action=application.create")
        #expect(all.html.contains("<b>Created an application"))
        #expect(all.html.contains("name=\"of\" value=\"all\""))
        // A tenant has no such choice.
        try await router.signIn(world.root)
        #expect(!(try await router.get("/console/audit?of=all").html.contains(world.admin.email)))
    }

    @Test("goes on page after page") func pages() async throws {
        for _ in 0..<55 { _ = try await world.house.session(of: world.root) }
        // A user has fifty sessions at most, and so the first one has made room.
        try await router.signIn(world.root)
        let first = try await router.get("/console/audit?action=session.create")
        #expect(first.html.matches(of: /<tr><th scope="row">/).count == 50)
        let next = try #require(
            first.html.firstMatch(of: /href="(\/console\/audit\?action=session\.create&amp;after=[^"]+)"/))
        let second = try await router.get(String(next.output.1).replacing("&amp;", with: "&"))
        #expect(second.html.matches(of: /<tr><th scope="row">/).count > 5)
    }

    @Test("every action has its words") func closed() throws {
        let english = try #require(router.console.catalogues[.english])
        for action in AuditEntry.Action.allCases {
            #expect(english.all["action." + action.rawValue] != nil, "\(action)")
        }
    }
}
