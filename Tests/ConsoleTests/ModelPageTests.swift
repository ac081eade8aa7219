import Accounts
import Catalog
import Database
import Management
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The pages of models and their prices")
struct ModelPageTests {
    private let house: ManagementHouse
    private let router: ConsoleRouter
    private let caller: Caller
    private let provider: Provider

    init() async throws {
        house = try ManagementHouse()
        router = try ConsoleRouter(house)
        let admin = try await house.operators()
        caller = try await house.session(of: admin)
        provider = try await house.management.createProvider(
            caller,
            NewProvider(name: good("Far <b>"), kind: .openai, baseURL: good("https://far.example"), secret: nil))
        try await router.signIn(admin)
    }

    private func post(_ path: String, _ fields: [(String, String)] = []) async throws -> ConsoleRouter.Answer {
        let csrf = try #require(try await router.get("/console/providers").csrf)
        return try await router.post(path, [("csrf", csrf)] + fields)
    }

    private func add(_ more: [(String, String)] = []) async throws -> ConsoleRouter.Answer {
        let names = Set(more.map(\.0))
        let standing = [("name", "gpt-4o"), ("upstream_name", ""), ("system_messages", "keep"), ("price", "1,250.5")]
        return try await post(
            "/console/providers/\(provider.id)/models/new", standing.filter { !names.contains($0.0) } + more)
    }

    private func model() async throws -> Model {
        #expect(try await add().status == 303)
        return try #require(try await house.management.listModels(caller, of: provider.id, Page()).items.first).model
    }

    @Test("a model is added with its price, marked once, and shown with what it costs an app") func added() async throws
    {
        let made = try await add([("upstream_name", "vendor/gpt:1"), ("system_messages", "merge")])
        #expect(made.status == 303)
        let model = try #require(
            try await house.management.listModels(caller, of: provider.id, Page()).items.first
        ).model
        #expect(made.location == "/console/providers/\(provider.id)#model-\(model.id)")
        #expect(model.upstreamName == "vendor/gpt:1" && model.systemMessages == .merge)
        _ = try await house.management.createMultiplier(
            caller, try #require(Multiplier(millionths: 800_000)), of: good("standard"), effectiveAt: nil)
        house.hand.advance(.seconds(1))
        let page = try await router.get("/console/providers/\(provider.id)")
        #expect(page.html.contains("<tr id=\"model-\(model.id)\" class=\"new\">"))
        #expect(page.html.contains("<b>1,250.5</b>") && page.html.contains("1,000.4</td>"))
        #expect(page.html.contains("<code>vendor/gpt:1</code>"))
        #expect(!(try await router.get("/console/providers/\(provider.id)").html.contains("class=\"new\"")))
        let own = try await router.get("/console/models/\(model.id)")
        #expect(own.html.contains("A call costs <b>1,250.5 credits</b>") && own.html.contains("pays <b>1,000.4</b>"))
        #expect(own.html.contains("Far &lt;b&gt;") && own.html.contains("Joined into one"))
    }

    @Test("what breaks a rule is said beside its field, all at once, and what was typed stays") func faults()
        async throws
    {
        let wrong = try await add([
            ("name", "two words"), ("upstream_name", "x y"), ("system_messages", "x"), ("price", "-1"),
        ])
        #expect(
            wrong.status == 400 && wrong.html.contains("value=\"two words\"") && wrong.html.contains("value=\"-1\""))
        #expect(
            wrong.html.contains("Must be 1 to 100 characters from letters")
                && wrong.html.contains("Must be keep or merge."))
        for price in ["", "x", "1000000000.1", "0.0000001"] {
            let answer = try await add([("price", price)])
            #expect(answer.status == 400 && answer.html.contains("class=\"fault\""), "\(price)")
        }
        #expect(try await add([("price", "0")]).status == 303)
        let taken = try await add()
        #expect(taken.status == 409 && taken.html.contains("There is one with this name already."))
    }

    @Test("a price is set now or for later, the later one is withdrawn, and what began stays") func prices()
        async throws
    {
        let model = try await model()
        let path = "/console/models/\(model.id)"
        house.hand.advance(.seconds(60))
        let now = try await post(path + "/prices/new", [("price", "30"), ("start", "now"), ("effective_at", "")])
        #expect(now.status == 303 && now.location?.hasPrefix(path + "#price-") == true)
        house.hand.advance(.seconds(60))
        let later = String(house.hand.clock.now().adding(.seconds(86_400)).rfc3339.prefix(16))
        let set = try await post(path + "/prices/new", [("price", "40"), ("start", "date"), ("effective_at", later)])
        #expect(set.status == 303)
        let page = try await router.get(path)
        #expect(page.html.contains("class=\"new\"") && page.html.contains("A call costs <b>30 credits</b>"))
        #expect(page.html.contains("Scheduled") && page.html.contains("In effect") && page.html.contains("Over"))
        let shown = page.html.matches(of: /href="(\/console\/models\/[0-9a-f-]+\/prices\/[0-9a-f-]+\/delete)"/)
        #expect(shown.count == 1)
        let withdraw = String(try #require(shown.first).output.1)
        #expect(try await router.get("/console/providers/\(provider.id)").html.contains("40 from "))
        let twice = try await post(path + "/prices/new", [("price", "41"), ("start", "date"), ("effective_at", later)])
        #expect(twice.status == 409 && twice.html.contains("There is a version from that time already."))
        #expect(try await router.get(withdraw).html.contains("Withdraw 40 credits from "))
        #expect(try await post(withdraw).location == path)
        #expect(!(try await router.get(path).html.contains("Scheduled")))
        #expect(try await router.get(withdraw).status == 404)
        #expect(try await post(withdraw).status == 404)
        let begun = try #require(try await house.management.getModel(caller, model.id).model.prices.last)
        let stays = try await post("\(path)/prices/\(begun.id)/delete")
        #expect(stays.status == 409 && stays.html.contains("This version is in effect already and stays."))
    }

    @Test("a time that has passed or can't be read is refused beside its field, and what was typed stays") func times()
        async throws
    {
        let path = "/console/models/\(try await model().id)/prices/new"
        for (time, said) in [
            ("2001-01-01T00:00", "Must be in the future"), ("tomorrow", "This isn’t a date and time"),
            ("", "This has to be filled in."),
        ] {
            let answer = try await post(path, [("price", "33"), ("start", "date"), ("effective_at", time)])
            #expect(answer.status == 400 && answer.html.contains(said), "\(time)")
            #expect(answer.html.contains("value=\"33\"") && answer.html.contains("value=\"date\" checked"))
            #expect(answer.html.contains("value=\"\(time)\""))
        }
        #expect(try await post(path, [("price", ""), ("start", "now")]).html.contains("This has to be filled in."))
        #expect(try await router.get(path).html.contains("value=\"1250.5\""))
    }

    @Test("a model goes when no app names it, and stays otherwise") func deleted() async throws {
        let model = try await model()
        let path = "/console/models/\(model.id)/delete"
        #expect(try await router.get(path).html.contains("Delete “gpt-4o” for ever?"))
        let echo = try #require(
            try await house.management.listModels(caller, Page()).items.first { $0.model.name == "echo" }
        ).model.id
        _ = try await router.post(
            "/console/applications/new",
            [
                ("csrf", try await router.get("/console/applications/new").csrf ?? ""), ("name", "App"),
                ("model", "echo"),
            ])
        let used = try await post("/console/models/\(echo)/delete")
        #expect(used.status == 409 && used.html.contains("Change them first."))
        #expect(try await post(path).location == "/console/providers/\(provider.id)")
        for gone in ["", "/delete", "/prices/new"] {
            #expect(try await router.get("/console/models/\(model.id)\(gone)").status == 404)
        }
        #expect(
            try await post("/console/models/\(model.id)/prices/new", [("price", "1"), ("start", "now")]).status == 404)
    }

    @Test("every page is whole in Chinese too") func chinese() async throws {
        let model = try await model()
        router.language = "zh-Hans"
        for path in [
            "/console/providers", "/console/providers/new", "/console/providers/\(provider.id)",
            "/console/providers/\(provider.id)/models/new", "/console/models/\(model.id)",
            "/console/models/\(model.id)/prices/new", "/console/models/\(model.id)/delete",
        ] {
            let page = try await router.get(path)
            #expect(page.status == 200 && page.html.contains("提供商") && !page.html.contains("{{"), "\(path)")
        }
    }
}
