import Accounts
import Catalog
import Management
import TestSupport
import Testing
import Values

@testable import Console

/// An admin looks at the groups in December; one account was called once in November and six times since, at 20 credits.
@Suite("The pages of pricing groups")
struct GroupPageTests {
    let world: CalledAccount
    let admin: Caller
    var router: ConsoleRouter { world.router }
    var management: Management { world.house.management }

    static let draft = "/console/groups/standard/multiplier"

    init() async throws {
        world = try await CalledAccount()
        for time in ["2026-11-25T10:00:00Z"] + (0..<6).map({ "2026-12-01T0\($0):00:00Z" }) {
            try world.set(time)
            try await world.call(time)
        }
        try world.set("2026-12-15T12:00:00Z")
        try await world.router.signIn(world.admin)
        admin = try await world.house.session(of: world.admin)
    }

    func group(_ name: String = "standard") async throws -> GroupDetails {
        try await management.getGroup(admin, good(name))
    }

    func send(_ path: String, _ fields: [(String, String)]) async throws -> ConsoleRouter.Answer {
        let csrf = try #require(try await router.get("/console/groups").csrf)
        return try await router.post(path, [("csrf", csrf)] + fields)
    }

    /// Looks at the preview of a draft and saves it.
    func preview(then query: String) async throws -> ConsoleRouter.Answer {
        let fields = try await router.get(Self.draft + "?" + query).fields(to: Self.draft)
        return try await router.post(Self.draft, fields)
    }

    @Test("the list says what each group multiplies by, who uses it, and what is to come") func list() async throws {
        let made = try await send("/console/groups/new", [("name", "partners"), ("multiplier", "0.80")])
        #expect(made.status == 303 && made.location == "/console/groups#group-partners")
        let page = try await router.get("/console/groups")
        #expect(page.html.contains("id=\"group-partners\" class=\"new\"") && page.html.contains("Created."))
        // The admin's own account and Ada's; Ada's key names no group.
        #expect(page.html.contains("2 accounts, 0 keys") && page.html.contains("0 accounts, 0 keys"))
        #expect(page.html.contains("<b>× 0.8</b>") && page.html.contains("v1 · since"))
        let start = try #require(Timestamp(rfc3339: "2027-01-01T00:00:00Z"))
        _ = try await management.createMultiplier(
            admin, try #require(Multiplier(decimal: "0.6")), of: good("partners"),
            effectiveAt: start)
        let later = try await router.get("/console/groups")
        #expect(later.html.contains("× 0.6 from") && later.html.contains(">1 Jan 2027, 00:00 UTC</time>"))
    }

    @Test("a group that can't be made is said beside its field, and what was typed stays") func faults() async throws {
        let wrong = try await send("/console/groups/new", [("name", "A b"), ("multiplier", "1001")])
        #expect(wrong.status == 400 && wrong.html.contains("value=\"A b\"") && wrong.html.contains("value=\"1001\""))
        #expect(wrong.html.contains("Must be 1 to 40 characters") && wrong.html.contains("This isn’t a multiplier"))
        let taken = try await send("/console/groups/new", [("name", "standard"), ("multiplier", "1")])
        #expect(taken.status == 409 && taken.html.contains("There is one with this name already."))
    }

    @Test("the preview has a month as it was and as it would have been, and saves nothing") func preview() async throws
    {
        let november = try await router.get(Self.draft + "?multiplier=0.5&begin=now")
        #expect(
            november.status == 200 && november.html.contains("<strong>10</strong>") && november.html.contains("was 20.")
        )
        #expect(november.html.contains("<b>−10 credits</b>, −50.0%, over 1 call"))
        #expect(november.html.contains("A call at 20 credits costs <b>10</b>, now 20."))
        #expect(november.html.contains("<bdi>Ada</bdi>"))
        let december = try await router.get(Self.draft + "?multiplier=1.25&begin=now&month=this")
        #expect(
            december.html.contains("<strong>150</strong>")
                && december.html.contains("<b>+30 credits</b>, +25.0%, over 6 calls")
        )
        // The longer of two bars is whole.
        #expect(
            december.html.contains("class=\"before\" width=\"800\"")
                && december.html.contains("class=\"used\" width=\"1000\""))
        _ = try await send("/console/groups/new", [("name", "empty"), ("multiplier", "1")])
        let none = try await router.get("/console/groups/empty/multiplier?multiplier=2&begin=now")
        #expect(none.html.contains("No call was charged in this group in November 2026."))
        #expect(try await group().group.multipliers.count == 1)
    }

    @Test("what was previewed is saved, from the time that was said") func save() async throws {
        let first = try await router.get(Self.draft)
        // The next month is offered.
        #expect(first.html.contains("value=\"2027-01-01T00:00\" checked"))
        let saved = try await preview(then: "multiplier=0.7&begin=2027-01-01T00:00")
        let version = try #require(try await group().scheduled)
        #expect(saved.status == 303 && saved.location == "/console/groups/standard#version-\(version.id)")
        #expect(version.multiplier.decimal == "0.7" && version.effectiveAt.rfc3339.hasPrefix("2027-01-01T00:00:00"))
        let page = try await router.get("/console/groups/standard")
        #expect(page.html.contains("id=\"version-\(version.id)\" class=\"new\"") && page.html.contains("v2"))
        #expect(page.html.contains("multipliers/\(version.id)/withdraw"))
        // Also in the person's own time, once it is known.
        _ = try await router.post("/console/preferences", [("zone", "Europe/Berlin"), ("next", "/console/groups")])
        #expect(try await router.get("/console/groups/standard").html.contains("Yours: 1 Jan 2027, 01:00 (+01:00)"))
        let other = try await router.get(Self.draft + "?multiplier=0.6&begin=date&effective_at=2027-02-01T00:00")
        #expect(other.html.contains("Yours: 1 Feb 2027, 01:00 (+01:00). In 48 days."))
        let now = try await preview(then: "multiplier=0.9&begin=now&month=this")
        #expect(now.status == 303)
        #expect(try await group().multiplier?.decimal == "0.9")
    }

    @Test("what is scheduled can be withdrawn, and what has begun can't") func withdraw() async throws {
        _ = try await preview(then: "multiplier=0.7&begin=2027-01-01T00:00")
        let version = try #require(try await group().scheduled)
        let path = "/console/groups/standard/multipliers/\(version.id)/withdraw"
        #expect(try await router.get(path).html.contains("Withdraw × 0.7 of standard from 1 Jan 2027, 00:00 UTC?"))
        #expect(try await router.save(path).status == 303)
        #expect(try await group().scheduled == nil)
        #expect(try await router.get(path).status == 404)
        let first = try #require(try await group().version)
        let refused = try await send("/console/groups/standard/multipliers/\(first.id)/withdraw", [])
        #expect(refused.status == 409 && refused.html.contains("This version is in effect already and stays."))
    }

    @Test("a group is retired and brought back; the standard one is not") func retire() async throws {
        _ = try await send("/console/groups/new", [("name", "old"), ("multiplier", "1")])
        #expect(try await router.save("/console/groups/old/retire").status == 303)
        #expect(try await group("old").group.isRetired)
        #expect(try await router.get("/console/groups").html.contains("<small>Retired</small>"))
        #expect(try await router.get("/console/groups/old").html.contains("/console/groups/old/bring-back"))
        #expect(try await router.save("/console/groups/old/bring-back").status == 303)
        #expect(try await !group("old").group.isRetired)
        let page = try await router.get("/console/groups/standard")
        #expect(page.html.contains("so it can’t be retired") && !page.html.contains("/retire\""))
        #expect(try await send("/console/groups/standard/retire", []).status == 409)
        #expect(try await router.get("/console/groups/absent").status == 404)
        #expect(try await router.get("/console/groups/A%20b").status == 404)
    }

    @Test("it is for admins, by the address too") func forAdmins() async throws {
        let other = try ConsoleRouter(world.house)
        try await other.signIn(world.root)
        let csrf = try #require(try await other.get("/console/usage").csrf)
        #expect(!(try await other.get("/console/usage").html.contains("/console/groups")))
        #expect(try await router.get("/console/usage").html.contains("/console/groups"))
        let id = try #require(try await group().version).id
        let paths = [
            "", "/new", "/standard", "/standard/multiplier", "/standard/retire", "/standard/bring-back",
            "/standard/multipliers/\(id)/withdraw",
        ]
        for path in paths {
            let page = try await other.get("/console/groups" + path)
            #expect(page.status == 403 && page.html.contains("This is for admins of the deployment."), "\(path)")
            if path.isEmpty || path == "/standard" { continue }
            #expect(try await other.post("/console/groups" + path, [("csrf", csrf)]).status == 403, "\(path)")
        }
    }
}
