import Accounts
import Catalog
import Database
import Management
import Secrets
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The pages of providers")
struct ProviderPageTests {
    private let house: ManagementHouse
    private let router: ConsoleRouter
    private let admin: User
    private static let secret = "sk-upstream-3f9a7c21"

    init() async throws {
        house = try ManagementHouse()
        router = try ConsoleRouter(house)
        admin = try await house.operators()
        try await router.signIn(admin)
    }

    private func post(_ path: String, _ fields: [(String, String)] = []) async throws -> ConsoleRouter.Answer {
        let csrf = try #require(try await router.get("/console/providers").csrf)
        return try await router.post(path, [("csrf", csrf)] + fields)
    }

    /// A provider at an address, with a secret.
    private func provider(_ name: String = "Far") async throws -> Provider {
        try await house.management.createProvider(
            try await house.session(of: admin),
            NewProvider(
                name: good(name), kind: .openai, baseURL: good("https://far.example/v1"), secret: good(Self.secret)))
    }

    private func stored(_ id: Identifier) async throws -> ModelRoute.Upstream {
        _ = try await house.management.testProvider(try await house.session(of: admin), id)
        return try #require(house.tester.asked.last)
    }

    private func secret(of id: Identifier) async throws -> String? {
        guard case .openai(_, let secret) = try await stored(id) else { return nil }
        return secret?.exposed()
    }

    @Test("one is added, is on the list, and its credential is on no page") func added() async throws {
        let made = try await post(
            "/console/providers/new",
            [
                ("name", "Far & <b>"), ("kind", "openai"), ("base_url", "https://far.example/v1/"),
                ("secret", Self.secret),
            ])
        #expect(made.status == 303)
        let path = try #require(made.location)
        let id = try #require(path.split(separator: "/").last.flatMap { Identifier(String($0)) })
        #expect(try await secret(of: id) == Self.secret)
        for page in [path, path + "/edit", path + "/delete", path + "/models/new", "/console/providers"] {
            let answer = try await router.get(page)
            #expect(answer.status == 200 && answer.html.contains("Far &amp; &lt;b&gt;"), "\(page)")
            #expect(!answer.html.contains(Self.secret) && !answer.html.contains("{{"), "\(page)")
        }
        #expect(try await router.get(path).html.contains("https://far.example/v1</dd>"))
        #expect(try await router.get("/console/providers").html.contains("aria-current=\"page\""))
    }

    @Test("what breaks a rule is said beside its field, and a secret is not sent back") func faults() async throws {
        let wrong = try await post(
            "/console/providers/new",
            [("name", ""), ("kind", "openai"), ("base_url", "far.example"), ("secret", "with blank")])
        #expect(wrong.status == 400 && wrong.html.contains("value=\"far.example\""))
        #expect(wrong.html.contains("Must be an http or https address") && wrong.html.contains("printable ASCII"))
        #expect(wrong.html.contains("This has to be filled in.") && !wrong.html.contains("with blank"))
        let echo = try await post(
            "/console/providers/new",
            [("name", "E"), ("kind", "echo"), ("base_url", "https://far.example"), ("secret", "")])
        #expect(echo.status == 400 && echo.html.contains("t be set for a provider of kind echo."))
        #expect(try await post("/console/providers/new", [("name", "E"), ("kind", "x")]).status == 400)
        _ = try await provider()
        let taken = try await post(
            "/console/providers/new", [("name", "Far"), ("kind", "openai"), ("base_url", "https://b.example")])
        #expect(taken.status == 409 && taken.html.contains("There is one with this name already."))
        let long = try await post(
            "/console/providers/new",
            [("name", "N"), ("kind", "openai"), ("base_url", "https://b.example/v1/chat/completions")])
        #expect(long.html.contains("must end before /chat/completions"))
    }

    @Test("a save changes what was changed: a blank credential keeps the stored one, a tick takes it away")
    func edited() async throws {
        let made = try await provider()
        let path = "/console/providers/\(made.id)/edit"
        let page = try await router.get(path)
        #expect(page.html.contains("Leave this blank to keep it.") && !page.html.contains(Self.secret))
        #expect(try await router.save(path, ["name": ["Farther"]]).status == 303)
        #expect(try await secret(of: made.id) == Self.secret)
        let caller = try await house.session(of: admin)
        // Somebody else changes the address while the page is open.
        let fields = try await router.get(path).fields(to: path)
        _ = try await house.management.updateProvider(
            caller, made.id, try ProviderEdit(name: nil, baseURL: good("https://new.example"), secret: .keep))
        #expect(try await router.post(path, fields.filter { $0.0 != "name" } + [("name", "Farthest")]).status == 303)
        var now = try await house.management.getProvider(caller, made.id)
        #expect(now.name == "Farthest" && now.baseURL?.text == "https://new.example" && now.hasSecret)
        #expect(try await router.save(path, ["secret": ["another-1"]]).status == 303)
        #expect(try await secret(of: made.id) == "another-1")
        let both = try await router.save(path, ["secret": ["another-2"], "no_secret": ["yes"]])
        #expect(both.status == 400 && both.html.contains("not both") && !both.html.contains("another-2"))
        #expect(try await router.save(path, ["no_secret": ["yes"]]).status == 303)
        now = try await house.management.getProvider(caller, made.id)
        #expect(!now.hasSecret && now.name == "Farthest")
        #expect(!(try await router.get(path).html.contains("no_secret")))
        let echo = try #require(
            try await house.management.listProviders(caller, Page()).items.first { $0.kind == .echo })
        let ofEcho = try await router.get("/console/providers/\(echo.id)/edit")
        #expect(!ofEcho.html.contains("name=\"base_url\"") && !ofEcho.html.contains("name=\"secret\""))
        #expect(try await router.save("/console/providers/\(echo.id)/edit", ["name": ["Built in"]]).status == 303)
    }

    @Test("what a test found is shown in its place, with every fault in words") func tested() async throws {
        let made = try await provider()
        let path = "/console/providers/\(made.id)"
        #expect(!(try await router.get(path).html.contains("role=\"status\"><svg")))
        house.tester.tell(
            ProviderTest(
                status: 200, milliseconds: 1234, models: .init(count: 12, names: ["gpt-4o", "o3"]), fault: nil))
        let good = try await post(path + "/test")
        #expect(good.status == 200 && good.html.contains("It answers.") && good.html.contains("1,234 ms"))
        #expect(good.html.contains("HTTP 200") && good.html.contains("<code>gpt-4o</code>"))
        #expect(good.html.contains("and 10 more") && good.html.contains("note good"))
        // As often as there is a button: no seal makes the second one the first.
        house.tester.tell(ProviderTest(status: 401, milliseconds: 5, models: nil, fault: .credentialRefused))
        let refused = try await post(path + "/test")
        #expect(refused.html.contains("note bad") && refused.html.contains("It refuses the stored credential"))
        #expect(!refused.html.contains(Self.secret))
        for language in Language.allCases {
            router.language = language.rawValue
            for fault in ProviderTest.Fault.allCases {
                let found = ProviderFound(
                    ProviderTest(status: nil, milliseconds: 0, models: nil, fault: fault),
                    try #require(router.console.catalogues[language]),
                    Formats(
                        strings: try #require(router.console.catalogues[language]), zone: nil,
                        now: house.hand.clock.now()))
                #expect(found.sentence?.isEmpty == false && ["warn", "bad"].contains(found.tone), "\(fault)")
            }
        }
        router.language = "en"
        let back = try await router.get(path + "/test")
        #expect(back.status == 303 && back.location == path)
    }

    @Test("too many tests are refused on the page, and it says when again") func pace() async throws {
        let made = try await provider()
        let caller = try await house.session(of: admin)
        for _ in 0..<20 { _ = try await house.management.testProvider(caller, made.id) }
        let answer = try await post("/console/providers/\(made.id)/test")
        #expect(answer.status == 429 && answer.html.contains("Try again in 3 seconds."))
        #expect(answer.html.contains("https://far.example/v1") && house.tester.asked.count == 20)
    }

    @Test("a provider goes when it has no models, and stays otherwise") func deleted() async throws {
        let made = try await provider()
        let path = "/console/providers/\(made.id)/delete"
        let caller = try await house.session(of: admin)
        let model = try await house.management.createModel(
            caller, NewModel(provider: made.id, name: good("m"), upstreamName: nil, price: .standard)
        ).model
        let stays = try await post(path)
        #expect(stays.status == 409 && stays.html.contains("Models use this provider. Delete them first."))
        try await house.management.deleteModel(caller, model.id)
        #expect(try await router.get(path).html.contains("Delete “Far” for ever?"))
        #expect(try await post(path).location == "/console/providers")
        #expect(!(try await router.get("/console/providers").html.contains("far.example")))
        for gone in ["", "/edit", "/delete", "/models/new"] {
            #expect(try await router.get("/console/providers/\(made.id)\(gone)").status == 404)
        }
        #expect(try await post("/console/providers/\(made.id)/test").status == 404)
    }

    @Test("the list comes in pages, and its end and an empty one say what is next") func pages() async throws {
        for number in 0..<50 { _ = try await provider("P\(number)") }
        let first = try await router.get("/console/providers")
        let next = try #require(first.html.firstMatch(of: /href="(\/console\/providers\?after=[0-9a-f-]+)"/)).output.1
        let second = try await router.get(String(next))
        #expect(first.html.contains(">P49<") && !first.html.contains("Built in") && second.html.contains("Built in"))
        let empty = try ConsoleRouter(try ManagementHouse())
        let admin = try await empty.house.operators()
        let caller = try await empty.house.session(of: admin)
        for model in try await empty.house.management.listModels(caller, Page()).items {
            try await empty.house.management.deleteModel(caller, model.model.id)
        }
        for provider in try await empty.house.management.listProviders(caller, Page()).items {
            try await empty.house.management.deleteProvider(caller, provider.id)
        }
        try await empty.signIn(admin)
        #expect(try await empty.get("/console/providers").html.contains("No providers yet"))
    }

    @Test("all of it is for admins: others see no entry and are told") func admins() async throws {
        let root = try await house.tenant("Ada", for: admin)
        let made = try await provider()
        let other = try ConsoleRouter(house)
        try await other.signIn(root)
        let csrf = try #require(try await other.get("/console/applications").csrf)
        #expect(!(try await other.get("/console/applications").html.contains("/console/providers")))
        #expect(
            try await router.get("/console/applications").html.contains(
                "class=\"admin\"><a href=\"/console/providers\""))
        let path = "/console/providers/\(made.id)"
        let model = try #require(
            try await house.management.listModels(try await house.session(of: admin), Page()).items.first
        ).model.id
        let pages = [
            "/console/providers", "/console/providers/new", path, path + "/edit", path + "/delete", path + "/test",
            path + "/models/new", "/console/models/\(model)", "/console/models/\(model)/delete",
            "/console/models/\(model)/prices/new", "/console/models/\(model)/prices/\(model)/delete",
        ]
        for page in pages {
            let shown = try await other.get(page)
            #expect(shown.status == 403 && shown.html.contains("This is for admins of the deployment."), "\(page)")
        }
        for page in pages where page != path && page != "/console/providers" && !page.hasSuffix(model.description) {
            #expect(try await other.post(page, [("csrf", csrf)]).status == 403, "\(page)")
        }
        #expect(house.tester.asked.isEmpty)
    }
}
