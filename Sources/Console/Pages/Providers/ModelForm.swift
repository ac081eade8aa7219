import Catalog
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

/// A model of a provider, with its first price.
struct ModelForm: View {
    struct MessagesChoice: View {
        let value: String
        let name: String
        let help: String
        let isChosen: Bool
    }

    let title: String
    let action: String
    let backPath: String
    let name: Field
    let upstreamName: Field
    let price: Field
    let messages: [MessagesChoice]
    let messagesFault: String?
    let failure: String?
}

extension Console {
    func declareModelForms(_ routes: inout Routes) {
        page(&routes, "/providers/{provider_id}/models/new", for: .createModel) { visit in
            try await visit.modelForm(Form(visit.strings), of: try await visit.provider())
        }

        form(&routes, "/providers/{provider_id}/models/new", for: .createModel) { visit, form in
            var form = form
            let provider = try await visit.provider()
            let name: ModelName? = form.required("name")
            let upstreamName: ModelName? = form.optional("upstream_name")
            let messages: SystemMessages? = form.required("system_messages")
            let price = form.price("price")
            guard form.isGood, let name, let messages, let price else {
                return try await visit.modelForm(form, of: provider, status: .badRequest)
            }
            do {
                let made = try await management.createModel(
                    visit.caller,
                    NewModel(
                        provider: provider.id, name: name, upstreamName: upstreamName, systemMessages: messages,
                        price: price)
                ).model
                return visit.see("/console/providers/\(provider.id)#model-\(made.id)", Flash(.created, made.id))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.note(refusal)
                return try await visit.modelForm(form, of: provider, status: refusal.problem.status)
            }
        }

        page(&routes, "/models/{model_id}/delete", for: .deleteModel) { visit in
            try await visit.deletionPage(Form(visit.strings), of: try await visit.model())
        }

        form(&routes, "/models/{model_id}/delete", for: .deleteModel) { visit, form in
            var form = form
            let model = try await visit.model()
            do {
                try await management.deleteModel(visit.caller, model.id)
                return visit.see("/console/providers/\(model.provider)", Flash(.deleted))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                if refusal.code == .notFound { throw refusal }
                form.note(refusal)
                return try await visit.deletionPage(form, of: model, status: refusal.problem.status)
            }
        }
    }
}

extension Form {
    /// A price, which may be typed with commas; `nil` when it can't be one, which is noted.
    mutating func price(_ name: String) -> Price? {
        if text(name).trimmed.isEmpty {
            note(name, strings("invalid.required"))
            return nil
        }
        if let price = KeyFields.amount(text(name)).flatMap({ Price($0) }) { return price }
        note(name, strings("invalid.price"))
        return nil
    }
}

extension Visit {
    /// The model that the address names.
    func model() async throws -> Model { try await management.getModel(caller, identifier("model_id")).model }

    fileprivate func modelForm(
        _ form: Form, of provider: Provider, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let chosen =
            form.has("system_messages") ? form.text("system_messages") : Text(SystemMessages.keep.rawValue)
        let view = ModelForm(
            title: strings("model.new_title", ["name": provider.name]), action: request.uri.path,
            backPath: "/console/providers/\(provider.id)",
            name: form.field(
                "name", label: strings("model.name"), help: strings("model.name_help"), hasFocus: true),
            upstreamName: form.field(
                "upstream_name", label: strings("model.upstream_name"), help: strings("model.upstream_name_help"),
                isOptional: true),
            price: form.field(
                "price", value: Price.standard.credits.decimal, label: strings("model.price"),
                help: strings("model.price_help")),
            messages: SystemMessages.allCases.map { choice in
                ModelForm.MessagesChoice(
                    value: choice.rawValue, name: strings("model.messages_\(choice.rawValue)"),
                    help: strings("model.messages_\(choice.rawValue)_help"), isChosen: Text(choice.rawValue) == chosen)
            },
            messagesFault: form.faults["system_messages"], failure: form.failure)
        return try await page("model-form", view, in: .providers, status: status)
    }

    fileprivate func deletionPage(
        _ form: Form, of model: Model, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let view = Confirmation(
            title: strings("model.delete_title", ["name": model.name]), lead: strings("model.delete_lead"),
            action: request.uri.path, backPath: "/console/models/\(model.id)", keep: strings("action.keep"),
            button: strings("action.delete_for_ever"), isDanger: true, fields: [], failure: form.failure)
        return try await page("confirmation", view, in: .providers, status: status)
    }
}
