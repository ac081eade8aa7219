import Accounts
import Applications
import Audit
import Catalog
import Credentials
import Database
import TestSupport
import Testing
import Values

@Suite("Applications")
struct ApplicationsTests {
    private let house: KeysHouse
    private var account: Identifier { house.ada.account }

    init() async throws {
        house = try await KeysHouse()
        let echo = try #require(try await house.catalog.providers(Page()).items.first)
        for name in ["small", "large"] {
            _ = try await house.catalog.createModel(
                provider: echo.id, name: good(name), upstreamName: nil, price: .standard, by: .test)
        }
    }

    private func settings(_ model: String, _ allowed: [String]?) throws -> ChatSettings {
        try ChatSettings(
            model: good(model), allowedModels: allowed?.map { try good($0) }, systemPrompt: nil, parameters: .none)
    }

    private func app(_ model: String, _ allowed: [String]?) async throws -> Application {
        try await house.applications.create(
            ApplicationDraft(name: good("App"), chat: settings(model, allowed)), in: account, by: .test)
    }

    private func edit(_ app: Application, _ change: (inout ApplicationEdit) throws -> Void) async throws -> Application
    {
        var edit = ApplicationEdit()
        try change(&edit)
        return try await house.applications.edit(app.id, of: account, edit, by: .test)
    }

    @Test("the model is among the allowed ones, none of which comes twice") func settingsRules() throws {
        #expect(try settings("small", nil).allowedModels == ["small"])
        #expect(try settings("small", ["large", "small"]).allowedModels == ["large", "small"])
        #expect(throws: ApplicationsError.modelNotAmongAllowed) { try settings("small", ["large"]) }
        #expect(throws: ApplicationsError.modelNotAmongAllowed) { try settings("small", []) }
        #expect(throws: ApplicationsError.repeatedModel(index: 2)) {
            try settings("small", ["small", "large", "small"])
        }
    }

    @Test("models that the catalog doesn't have are refused by field") func unknownModels() async throws {
        await #expect(throws: ApplicationsError.unknownModel(field: "model")) { try await app("none", nil) }
        await #expect(throws: ApplicationsError.unknownModel(field: "allowed_models[1]")) {
            try await app("small", ["small", "none"])
        }
        let made = try await app("small", nil)
        await #expect(throws: ApplicationsError.unknownModel(field: "model")) {
            try await edit(made) { $0.model = try good("none") }
        }
        #expect(try await house.applications.opened(made.id)?.chat.model == "small")
    }

    @Test("a new model takes the place of the only one, but must be among several") func editModel() async throws {
        let sole = try await app("small", nil)
        #expect(try await edit(sole) { $0.model = try good("large") }.chat.allowedModels == ["large"])
        let both = try await app("small", ["small", "large"])
        let changed = try await edit(both) { $0.model = try good("large") }
        #expect(changed.chat.model == "large")
        #expect(changed.chat.allowedModels == ["small", "large"])
        await #expect(throws: ApplicationsError.modelNotAmongAllowed) {
            try await edit(both) { $0.model = try good("echo") }
        }
        await #expect(throws: ApplicationsError.modelNotAmongAllowed) {
            try await edit(both) { $0.allowedModels = [try good("small")] }
        }
        let narrowed = try await edit(both) {
            $0.model = try good("small")
            $0.allowedModels = [try good("small")]
        }
        #expect(narrowed.chat.allowedModels == ["small"])
        #expect(try await house.applications.find(both.id, of: account).chat.allowedModels == ["small"])
    }

    @Test("an edit binds the next call; what it doesn't name stays; null takes the prompt away") func editBinds()
        async throws
    {
        let made = try await house.applications.create(
            KeysHouse.draft("Cat", prompt: "You are a cat."), in: account, by: .test)
        #expect(try await house.applications.opened(made.id)?.chat.systemPrompt == "You are a cat.")
        house.hand.advance(.seconds(1))
        let renamed = try await edit(made) { $0.name = try good("Tom") }
        #expect(renamed.updatedAt == made.updatedAt.adding(.seconds(1)))
        #expect(renamed.createdAt == made.createdAt)
        let opened = try await house.applications.opened(made.id)
        #expect(opened?.name == "Tom")
        #expect(opened?.chat.systemPrompt == "You are a cat.")
        _ = try await edit(made) { $0.systemPrompt = .some(nil) }
        #expect(try await house.applications.opened(made.id)?.chat.systemPrompt == nil)
        _ = try await edit(made) { $0.systemPrompt = .some(try good("You are a dog.")) }
        #expect(try await house.applications.opened(made.id)?.chat.systemPrompt == "You are a dog.")
        #expect(try await house.applications.find(made.id, of: account).chat.systemPrompt == "You are a dog.")
    }

    @Test("a model that an app uses can't be deleted; when the app is gone it can") func modelInUse() async throws {
        let made = try await app("small", ["small", "large"])
        let models = try await house.catalog.models(Page()).items
        for model in models where model.name != "echo" {
            await #expect(throws: CatalogError.modelInUse) { try await house.catalog.deleteModel(model.id, by: .test) }
        }
        _ = try await edit(made) { $0.allowedModels = [try good("small")] }
        try await house.catalog.deleteModel(try #require(models.first { $0.name == "large" }).id, by: .test)
        try await house.credentials.deleteApplication(made.id, of: account, andCredentials: false, by: .test)
        try await house.catalog.deleteModel(try #require(models.first { $0.name == "small" }).id, by: .test)
        #expect(try await house.applications.opened(made.id) == nil)
    }

    @Test("another account reads, edits and lists nothing: the same answer as for what is absent") func tenants()
        async throws
    {
        let bob = try await house.bob()
        let absent = Identifier(at: house.hand.now, random: (7, 7))
        for id in [house.cat.id, absent] {
            await #expect(throws: ApplicationsError.notFound) { try await house.applications.find(id, of: bob.account) }
            await #expect(throws: ApplicationsError.notFound) {
                try await house.applications.edit(id, of: bob.account, ApplicationEdit(), by: .test)
            }
        }
        #expect(try await house.applications.list(of: bob.account, Page()).items.isEmpty)
        #expect(try await house.applications.list(of: account, Page()).items.map(\.id) == [house.cat.id])
    }

    @Test("a prompt is text of 1 to 32768 characters, with tabs and line breaks and no other control") func prompts() {
        for text in ["x", "a\tb\r\nc", "猫 🐈", String(repeating: "p", count: 32_768)] {
            #expect(SystemPrompt(text)?.text == Text(text))
        }
        for text in ["", "a\u{0}b", "a\u{1B}[31m", "a\u{7F}", "a\u{9B}31m", String(repeating: "p", count: 32_769)] {
            #expect(SystemPrompt(text) == nil, "\(text.prefix(8).debugDescription)")
        }
    }

    @Test("an edit that changes nothing writes nothing; of a prompt the record has only that it changed")
    func nothing() async throws {
        func same(_ edit: inout ApplicationEdit) throws {
            edit.name = try good("Cat")
            edit.model = try good("small")
            edit.allowedModels = [try good("small"), try good("large")]
            edit.systemPrompt = .some(try good("You are a cat."))
            edit.parameters = ChatParameters.none
        }
        let made = try await edit(try await app("small", nil)) { try same(&$0) }
        let before = try await house.entries()
        #expect(
            before[0].detail == ["name": "Cat", "allowed_models": "+large", "system_prompt": "changed"])
        house.hand.advance(.seconds(1))
        let again = try await edit(made) { try same(&$0) }
        #expect(again.updatedAt == made.updatedAt)
        #expect(try await edit(made) { _ in }.updatedAt == made.updatedAt)
        #expect(try await house.entries().count == before.count)
        let turned = try await edit(made) { $0.allowedModels = [try good("large"), try good("small")] }
        #expect(turned.updatedAt == house.hand.now)
        #expect(try await house.entries()[0].detail == ["allowed_models": "reordered"])
    }
}
