import Accounts
import Applications
import Catalog
import JSON
import Management
import Values

import struct Applications.Application

/// What the form of an app says; what can't be so is noted in the form.
struct ApplicationFields {
    let name: DisplayName?
    let model: ModelName?
    /// `nil` for the app's own model alone.
    let allowed: [ModelName]?
    let prompt: SystemPrompt?
    let parameters: ChatParameters

    init(_ form: inout Form, _ strings: Strings) {
        name = form.required("name")
        model = form.required("model")
        prompt = form.optionalLines("system_prompt")
        // The app's own model needs no tick.
        var allowed: [ModelName] = []
        for text in form.texts("allowed_models") {
            if let name = ModelName(text) {
                allowed.append(name)
            } else {
                form.note("allowed_models", strings.rule(ModelName.refusal(of: text)))
            }
        }
        if let model, !allowed.isEmpty, !allowed.contains(model) { allowed.insert(model, at: 0) }
        self.allowed = allowed.isEmpty ? model.map { [$0] } : allowed
        parameters = Self.parameters(&form, strings)
    }

    private static func parameters(_ form: inout Form, _ strings: Strings) -> ChatParameters {
        var all = ChatParameters.none.object
        for name in ChatParameters.names {
            let text = form.lines(name.string)
            if text.isEmpty { continue }
            let value: JSON?
            if name == "stop" {
                value = .array(text.split(on: "\n").filter { !$0.isEmpty }.map { .string($0) })
            } else {
                value = (try? JSON.parse(Array(text.trimmed.utf8))).flatMap { if case .number = $0 { $0 } else { nil } }
            }
            var one = ChatParameters.none.object
            one[name] = value ?? .null
            do {
                _ = try ChatParameters(one)
                all[name] = value
            } catch {
                form.note(name.string, strings.rule(error.rule))
            }
        }
        return (try? ChatParameters(all)) ?? .none
    }

    /// What the form of an app shows before anybody types.
    static func shown(_ old: Application) -> [(name: String, texts: [Text])] {
        let chat = old.chat
        let single = [
            (name: "name", texts: [Text(old.name)]), (name: "model", texts: [Text(chat.model)]),
            (name: "system_prompt", texts: [chat.systemPrompt ?? ""]),
            (name: "allowed_models", texts: chat.allowedModels.map { Text($0) }),
        ]
        return single + ChatParameters.names.map { ($0.string, [Text(shown($0, chat.parameters))]) }
    }

    private static func shown(_ parameter: Text, _ all: ChatParameters?) -> String {
        switch all?.object[parameter] {
        case .number(let number): number.literal
        case .string(let stop): stop.string
        case .array(let stops): stops.compactMap(\.string?.string).joined(separator: "\n")
        default: ""
        }
    }

    /// What the form says otherwise than it showed, for an app that there is.
    func edit(of old: Application, _ form: Form) -> ApplicationEdit {
        var edit = ApplicationEdit()
        if form.isChanged("name") { edit.name = name }
        if form.isChanged("model") { edit.model = model }
        // What callers may name is what is ticked, and the app's own model.
        if form.isListChanged("allowed_models") || edit.model != nil && form.has("allowed_models") {
            edit.allowedModels = allowed
        }
        if form.isChanged("system_prompt") { edit.systemPrompt = .some(prompt) }
        var object = old.chat.parameters.object
        let changed = ChatParameters.names.filter { form.isChanged($0.string) }
        for name in changed { object[name] = parameters.object[name] }
        if !changed.isEmpty { edit.parameters = (try? ChatParameters(object)) ?? parameters }
        return edit
    }

    /// One field for each parameter.
    static func parameterFields(_ form: Form, _ old: ChatParameters?, _ strings: Strings) -> [Field] {
        ChatParameters.names.map { name in
            form.field(
                name.string, value: shown(name, old), label: strings("parameter.\(name)"),
                help: strings("parameter.\(name)_help"), isOptional: true)
        }
    }
}
