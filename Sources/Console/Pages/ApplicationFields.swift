import Accounts
import Applications
import Catalog
import JSON
import Management
import Values

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
        var allowed = form.texts("allowed_models").compactMap { ModelName($0) }
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

    /// One field for each parameter.
    static func parameterFields(_ form: Form, _ old: ChatParameters?, _ strings: Strings) -> [Field] {
        ChatParameters.names.map { name in
            let value: String =
                switch old?.object[name] {
                case .number(let number): number.literal
                case .string(let stop): stop.string
                case .array(let stops): stops.compactMap(\.string?.string).joined(separator: "\n")
                default: ""
                }
            return form.field(
                name.string, value: value, label: strings("parameter.\(name)"),
                help: strings("parameter.\(name)_help"), isOptional: true)
        }
    }
}
