import Accounts
import Applications
import Catalog
import Credentials
import HTTPTypes
import JSON
import Management
import Policy
import TestSupport
import Testing
import Values

@testable import Console

@Suite("A save changes what was changed, and nothing else")
struct KeptTermTests {
    private let keys: KeyHouse
    private var router: ConsoleRouter { keys.router }

    /// A catalogue of which pages show a part, and an account that may use all of it.
    init() async throws {
        keys = try await KeyHouse()
        let (platform, root) = (keys.house.platform, keys.root)
        let provider = try await platform.catalog.createProvider(
            ProviderDraft(name: good("More"), upstream: .echo), by: .test)
        var account = AccountEdit()
        var groups: [GroupName] = []
        for number in 100...200 {
            _ = try await platform.catalog.createModel(
                provider: provider.id, name: good("model-\(number)"), upstreamName: nil, price: .standard, by: .test)
            groups.append(try good("group-\(number)"))
            _ = try await platform.catalog.createGroup(groups[groups.count - 1], .one, by: .test)
        }
        account.groups = groups
        _ = try await platform.accounts.edit(root.account, account, by: .test)
        var app = ApplicationEdit()
        app.allowedModels = try ["echo", "model-100", "model-150", "model-199", "model-200"].map { try good($0) }
        _ = try await platform.applications.edit(keys.app, of: root.account, app, by: .test)
    }

    @Test("a key keeps models and a group that are not among the first hundred") func keptFarOnes() async throws {
        let old = KeyTerms(group: "group-200", models: ["model-199", "model-200"])
        let id = try await keys.key("one", old).key.credential.id
        let path = "/console/keys/\(id)/edit"
        let page = try await router.get(path)
        #expect(page.fields(to: path).filter { $0.0 == "models" }.map(\.1) == ["model-199", "model-200"])
        #expect(page.fields(to: path).contains { $0 == ("group", "group-200") })
        #expect(try await router.save(path, ["name": ["two"]]).status == 303)
        var key = try #require(try await keys.keys().first)
        #expect(key.name == "two" && key.terms.models == old.models && key.terms.group == old.group)
        #expect(try await router.save(path, ["models": ["model-200"], "group": [""]]).status == 303)
        key = try #require(try await keys.keys().first)
        #expect(key.terms.models == ["model-200"] && key.terms.group == nil)
    }

    @Test("no tick does not end a restriction; the box for it does") func ended() async throws {
        let id = try await keys.key("one", KeyTerms(models: ["model-100"])).key.credential.id
        let path = "/console/keys/\(id)/edit"
        let emptied = try await router.save(path, ["models": []])
        #expect(emptied.status == 400 && emptied.html.contains("Tick at least one model, or “All models”."))
        // Sent again as it was answered, it says the same.
        #expect(try await router.post(path, emptied.fields(to: path)).status == 400)
        #expect(try await keys.keys().first?.terms.models == ["model-100"])
        #expect(try await router.save(path, ["models": [], "all_models": ["yes"]]).status == 303)
        #expect(try await keys.keys().first?.terms.models == nil)
        #expect(try await !router.get(path).html.contains("all_models"))
    }

    @Test("a name of a model that can't be is a fault, and never no restriction") func unreadable() async throws {
        let made = try await keys.create([("models", "no model\"")])
        #expect(made.status == 400 && made.html.contains("no model&quot;"))
        let unticked = made.fields(to: "/console/keys/new").filter { $0.0 != "models" }
        #expect(try await router.post("/console/keys/new", unticked).status == 400)
        #expect(try await keys.keys().isEmpty)
        let id = try await keys.key("one", KeyTerms(models: ["model-100"])).key.credential.id
        let saved = try await router.save("/console/keys/\(id)/edit", ["models": ["model-100", "no model"]])
        #expect(saved.status == 400)
        #expect(try await keys.keys().first?.terms.models == ["model-100"])
        let app = try await router.save(
            "/console/applications/\(keys.app)/edit", ["allowed_models": ["model-100", "no model"]])
        #expect(app.status == 400 && app.html.contains("class=\"fault\""))
    }

    @Test("a save of a stale form leaves what somebody else changed meanwhile, such as a key that was stopped")
    func stale() async throws {
        let id = try await keys.key("one").key.credential.id
        let path = "/console/keys/\(id)/edit"
        let open = try await router.get(path).fields(to: path)
        var edit = CredentialEdit()
        edit.isEnabled = false
        edit.models = .some([try good("model-150")])
        edit.creditLimit = .some(Credits(micro: 5_000_000))
        edit.group = .some(try good("group-150"))
        _ = try await keys.house.management.updateCredential(try await keys.house.session(of: keys.root), id, edit)
        #expect(try await router.post(path, open.filter { $0.0 != "name" } + [("name", "two")]).status == 303)
        let key = try #require(try await keys.keys().first)
        #expect(key.name == "two" && !key.isEnabled && key.terms.models == ["model-150"])
        #expect(key.terms.creditLimit?.decimal == "5" && key.terms.group == "group-150")
    }

    @Test("fields that a form doesn't have take nothing away") func absent() async throws {
        let terms = try KeyTerms(
            expiresAt: keys.house.hand.now.adding(.seconds(3661)), creditLimit: Credits(micro: 5_000_000),
            monthlyLimit: Credits(micro: 6_000_000), group: "group-150", models: ["model-150"],
            addresses: [good("192.0.2.0/24")], host: good("a.example"))
        let id = try await keys.key("one", terms).key.credential.id
        #expect(try await keys.send("/console/keys/\(id)/edit", [("name", "two")]).status == 303)
        let now = try #require(try await keys.keys().first).terms
        #expect(now.expiresAt == terms.expiresAt && now.creditLimit == terms.creditLimit && now.host == terms.host)
        #expect(now.monthlyLimit == terms.monthlyLimit && now.group == terms.group && now.models == terms.models)
        #expect(now.addresses?.map(\.text) == ["192.0.2.0/24"])
    }

    @Test("an app keeps its models, and parameters that a field can't show exactly") func application() async throws {
        let house = keys.house
        let parameters = try ChatParameters(["stop": ["one\ntwo", "three"], "temperature": 1])
        var edit = ApplicationEdit()
        (edit.model, edit.allowedModels) = try (good("model-200"), [good("model-200"), good("echo")])
        (edit.systemPrompt, edit.parameters) = try (.some(good("A cat.\nNo dog.")), parameters)
        _ = try await house.management.updateApplication(try await house.session(of: keys.root), keys.app, edit)
        let path = "/console/applications/\(keys.app)/edit"
        #expect(try await router.save(path, ["temperature": [""]]).status == 303)
        #expect(try await keys.send(path, [("name", "Cat"), ("model", "model-200")]).status == 303)
        let chat = try await house.management.getApplication(try await house.session(of: keys.root), keys.app).chat
        #expect(chat.model == "model-200" && Set(chat.allowedModels) == ["model-200", "echo"])
        #expect(chat.systemPrompt == "A cat.\nNo dog." && chat.parameters.object["temperature"] == nil)
        #expect(chat.parameters.object["stop"] == ["one\ntwo", "three"])
        #expect(try await router.save(path, ["system_prompt": [""]]).status == 303)
        let now = try await house.management.getApplication(try await house.session(of: keys.root), keys.app).chat
        #expect(now.systemPrompt == nil)
    }
}
