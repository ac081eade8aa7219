import Audit
package import Catalog
package import Policy
package import Values

/// What a key opens.
package struct Application: Sendable {
    /// How many an account may have.
    package static let limit = 1000

    package var id: Identifier
    package var account: Identifier
    package var name: String
    package var chat: ChatSettings
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    /// The facts that policy asks for.
    package var rules: AppRules { AppRules(model: chat.model, allowedModels: chat.allowedModels) }
}

/// What an app of kind `chat` is made of.
package struct ChatSettings: Sendable {
    /// The model of a call that names none.
    package private(set) var model: String
    /// In the order they were given; always has ``model``, none twice.
    package private(set) var allowedModels: [String]
    package var systemPrompt: Text?
    package var parameters: ChatParameters

    /// - Parameter allowedModels: `nil` for the one model alone.
    package init(
        model: ModelName, allowedModels: [ModelName]?, systemPrompt: SystemPrompt?, parameters: ChatParameters
    ) throws(ApplicationsError) {
        self.model = ""
        self.allowedModels = []
        self.systemPrompt = systemPrompt?.text
        self.parameters = parameters
        try allow((allowedModels ?? [model]).map(\.text), model: model.text)
    }

    /// As it was stored.
    init(storedModel: String, allowedModels: [String], systemPrompt: Text?, parameters: ChatParameters) {
        self.model = storedModel
        self.allowedModels = allowedModels
        self.systemPrompt = systemPrompt
        self.parameters = parameters
    }

    mutating func allow(_ models: [String], model: String) throws(ApplicationsError) {
        var seen: Set<String> = []
        for (index, name) in models.enumerated() where !seen.insert(name).inserted {
            throw .repeatedModel(index: index)
        }
        guard seen.contains(model) else { throw .modelNotAmongAllowed }
        self.model = model
        allowedModels = models
    }
}

/// The text that gives an app its manner.
package struct SystemPrompt: FieldText {
    package static let rule = "must be 1 to 32768 characters, without control characters other than tab and line breaks"
    package static let longest = 4 * 32_768
    package let text: Text

    package init?(_ text: String) {
        guard (1...32_768).contains(text.unicodeScalars.count),
            text.unicodeScalars.allSatisfy({
                $0.properties.generalCategory != .control || "\t\n\r".unicodeScalars.contains($0)
            })
        else { return nil }
        self.text = Text(text)
    }
}

/// What makes a new app.
package struct ApplicationDraft: Sendable {
    let name: DisplayName
    let chat: ChatSettings

    package init(name: DisplayName, chat: ChatSettings) {
        self.name = name
        self.chat = chat
    }
}

/// What changes of an app; `nil` stays as it is.
package struct ApplicationEdit: Sendable {
    package var name: DisplayName?
    package var model: ModelName?
    package var allowedModels: [ModelName]?
    /// The outer `nil` keeps the prompt, the inner one takes it away.
    package var systemPrompt: SystemPrompt??
    package var parameters: ChatParameters?

    package init() {}

    func apply(to application: inout Application) throws(ApplicationsError) {
        application.name = name?.text ?? application.name
        // A new model on its own takes the place of the old one where that was all that callers could name.
        let soleModel = application.chat.allowedModels.count == 1
        let model = model?.text ?? application.chat.model
        let allowed = allowedModels?.map(\.text) ?? (soleModel ? [model] : application.chat.allowedModels)
        try application.chat.allow(allowed, model: model)
        if let systemPrompt { application.chat.systemPrompt = systemPrompt?.text }
        if let parameters { application.chat.parameters = parameters }
    }
}

extension Application {
    /// A prompt is the account's own text and may be long: that it changed is enough.
    func changes(from old: Application) -> Changes {
        var changes = Changes()
        changes.note("name", from: old.name, to: name)
        changes.note("model", from: old.chat.model, to: chat.model)
        changes.note("allowed_models", from: old.chat.allowedModels, to: chat.allowedModels)
        changes.noteUnseen("system_prompt", from: old.chat.systemPrompt?.string, to: chat.systemPrompt?.string)
        changes.noteUnseen("parameters", from: old.chat.parameters.stored, to: chat.parameters.stored)
        return changes
    }
}
