import Accounts
import Applications
import Catalog
import Database
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Management
import Values
import Web

import struct Applications.Application

/// A new app, or one that is changed.
struct ApplicationForm: View {
    struct ModelChoice: View {
        let name: String
        /// What a call costs the account.
        let cost: String?
        let isChosen: Bool
        let isAllowed: Bool
    }

    let title: String
    let lead: String
    let action: String
    let button: String
    let backPath: String
    let name: Field
    let models: [ModelChoice]
    let modelFault: String?
    let allowedFault: String?
    let prompt: Field
    let parameters: [Field]
    /// The parameter of several lines.
    let stop: [Field]
    /// Some parameter is set or wrong, so they are not folded.
    let showsParameters: Bool
    let failure: String?
    let hasModels: Bool
    /// What it showed before anybody typed.
    let marks: [Form.Carried]
}

extension Console {
    func declareApplicationForms(_ routes: inout Routes) {
        page(&routes, "/applications/new", for: .createApplication) { visit in
            try await visit.applicationForm(Form(visit.strings), of: nil)
        }

        form(&routes, "/applications/new", for: .createApplication) { visit, form in
            var form = form
            let draft = ApplicationFields(&form, visit.strings)
            guard form.isGood, let name = draft.name, let model = draft.model else {
                return try await visit.applicationForm(form, of: nil, status: .badRequest)
            }
            do {
                let made = try await management.createApplication(
                    visit.caller,
                    NewApplication(
                        name: name, kind: .chat, model: model, allowedModels: draft.allowed,
                        systemPrompt: draft.prompt, parameters: draft.parameters))
                return visit.see("/console/applications#app-\(made.id)", Flash(.created, made.id))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.note(refusal)
                return try await visit.applicationForm(form, of: nil, status: refusal.problem.status)
            }
        }

        page(&routes, "/applications/{application_id}/edit", for: .updateApplication) { visit in
            let id = try visit.identifier("application_id")
            return try await visit.applicationForm(
                Form(visit.strings), of: try await management.getApplication(visit.caller, id))
        }

        form(&routes, "/applications/{application_id}/edit", for: .updateApplication) { visit, form in
            var form = form
            let id = try visit.identifier("application_id")
            let old = try await management.getApplication(visit.caller, id)
            let draft = ApplicationFields(&form, visit.strings)
            guard form.isGood else {
                return try await visit.applicationForm(form, of: old, status: .badRequest)
            }
            do {
                _ = try await management.updateApplication(visit.caller, id, draft.edit(of: old, form))
                return visit.see("/console/applications#app-\(id)", Flash(.saved, id))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.note(refusal)
                return try await visit.applicationForm(form, of: old, status: refusal.problem.status)
            }
        }
    }
}

extension Visit {
    /// - Parameter old: the app that is changed; `nil` for a new one.
    fileprivate func applicationForm(
        _ form: Form, of old: Application?, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let offers = try await management.listModels(caller, Page(limit: Page.limits.upperBound)).items
        let isSent = form.has("name")
        let chosen = isSent ? form.text("model") : Text(old?.chat.model ?? offers.first?.model.name ?? "")
        let allowed = isSent ? form.texts("allowed_models") : (old?.chat.allowedModels ?? []).map { Text($0) }
        var names = offers.map { ($0.model.name, $0.cost) }
        // A model that an app has, or that was ticked, may have come after the first hundred, or be gone.
        for name in (old.map { $0.chat.allowedModels + [$0.chat.model] } ?? []) + allowed.map(\.string)
        where !names.contains(where: { $0.0 == name }) {
            names.append((name, nil))
        }
        let parameters = ApplicationFields.parameterFields(form, old?.chat.parameters, strings)
        let view = ApplicationForm(
            title: strings(old == nil ? "application.new" : "application.edit"),
            lead: strings(old == nil ? "application.new_lead" : "application.edit_lead"),
            action: request.uri.path, button: strings(old == nil ? "application.create" : "action.save"),
            backPath: "/console/applications",
            name: form.field("name", value: old?.name ?? "", label: strings("field.name"), hasFocus: old == nil),
            models: names.map { name, cost in
                ApplicationForm.ModelChoice(
                    name: name, cost: cost.map { strings("application.cost", ["credits": formats.credits($0)]) },
                    isChosen: Text(name) == chosen, isAllowed: allowed.contains(Text(name)))
            },
            modelFault: form.faults["model"], allowedFault: form.faults["allowed_models"],
            prompt: form.field(
                "system_prompt", value: old?.chat.systemPrompt?.string ?? "", label: strings("application.prompt"),
                help: strings("application.prompt_help"), isOptional: true),
            parameters: parameters.filter { $0.name != "stop" }, stop: parameters.filter { $0.name == "stop" },
            showsParameters: parameters.contains { !$0.value.isEmpty || $0.fault != nil },
            failure: form.failure, hasModels: !names.isEmpty,
            marks: form.marks(of: old.map(ApplicationFields.shown) ?? []))
        return try await page("application-form", view, in: .applications, status: status)
    }
}
