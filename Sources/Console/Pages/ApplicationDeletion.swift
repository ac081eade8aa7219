import Accounts
import Applications
import Credentials
import Database
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

import struct Applications.Application

/// Before an app goes: which keys stop with it, its name typed, and the person's password.
struct ApplicationDeletion: View {
    struct Key: View {
        let name: String
        let hint: String
        let lastUsed: Moment?
    }

    let title: String
    let lead: String
    let action: String
    let backPath: String
    let keys: [Key]
    let hasKeys: Bool
    let name: Field
    /// Empty where no key goes.
    let proof: [Field]
    let failure: String?
}

extension Console {
    func declareApplicationDeletion(_ routes: inout Routes) {
        page(&routes, "/applications/{application_id}/delete", for: .deleteApplication) { visit in
            let id = try visit.identifier("application_id")
            let application = try await management.getApplication(visit.caller, id)
            return try await visit.deletionPage(Form(visit.strings), of: application)
        }

        form(&routes, "/applications/{application_id}/delete", for: .deleteApplication) { visit, form in
            var form = form
            let application = try await management.getApplication(
                visit.caller, try visit.identifier("application_id"))
            if form.text("name") != Text(application.name) { form.note("name", visit.strings("invalid.name_typed")) }
            let hasKeys = try await !visit.keys(of: application).isEmpty
            var caller = visit.caller
            if form.isGood, hasKeys, let proved = try await visit.proved(&form) { caller = proved }
            guard form.isGood else { return try await visit.deletionPage(form, of: application, status: .badRequest) }
            do {
                try await management.deleteApplication(caller, application.id, withKeys: hasKeys)
                return visit.see("/console/applications", Flash(.deleted))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.note(refusal)
                return try await visit.deletionPage(form, of: application, status: refusal.problem.status)
            }
        }
    }
}

extension Visit {
    /// The keys that open an app. An account has ten at most.
    func keys(of application: Application) async throws(Refusal) -> [KeyDetails] {
        var question = KeyListQuestion()
        question.application = application.id
        return try await management.listCredentials(caller, question, limit: Page.limits.upperBound).items
    }

    fileprivate func deletionPage(
        _ form: Form, of application: Application, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let keys = try await keys(of: application)
        let view = ApplicationDeletion(
            title: strings("application.delete_title", ["name": application.name]),
            lead: strings(keys.isEmpty ? "application.delete_lead" : "application.delete_lead_keys"),
            action: request.uri.path, backPath: "/console/applications",
            keys: keys.map {
                ApplicationDeletion.Key(
                    name: name(of: $0),
                    hint: $0.credential.hint, lastUsed: $0.credential.lastUsedAt.map(formats.moment))
            },
            hasKeys: !keys.isEmpty,
            name: form.field(
                "name", label: strings("application.type_name", ["name": application.name]), hasFocus: true),
            proof: keys.isEmpty ? [] : proofFields(form), failure: form.failure)
        return try await page("application-delete", view, in: .applications, status: status)
    }
}
