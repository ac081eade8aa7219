import Accounts
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

/// A form of a few fields and one button: for the template `small-form`.
struct SmallForm: View {
    let title: String
    let lead: String
    let action: String
    let button: String
    /// Of the button: `primary` or `danger`.
    let tone: String
    let backPath: String
    let fields: [Field]
    let failure: String?
}

extension Console {
    func declarePassword(_ routes: inout Routes) {
        page(&routes, "/account/password", for: .changePassword) { visit in
            try await visit.passwordPage(Form(visit.strings))
        }

        form(&routes, "/account/password", for: .changePassword) { visit, form in
            var form = form
            let old = visit.proof(&form)
            let new: Password? = form.required("new_password")
            guard form.isGood, let old, let new else {
                return try await visit.passwordPage(form, status: .badRequest)
            }
            do {
                let token = try await management.changePassword(visit.caller, old, to: new)
                var response = visit.see("/console/account", Flash(.saved))
                response.headers[values: .setCookie].append(SessionCookie.setting(token))
                return response
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                do { try visit.note(refusal, of: old, in: &form) } catch { form.note(refusal) }
                return try await visit.passwordPage(form, status: refusal.problem.status)
            }
        }
    }
}

extension Visit {
    fileprivate func passwordPage(_ form: Form, status: HTTPResponse.Status = .ok) async throws -> Response {
        let new = form.field(
            "new_password", label: strings("field.password_to_be"), help: strings("field.new_password_help"),
            type: "password", autocomplete: "new-password", isSecret: true, least: Password.minimumLength)
        let view = SmallForm(
            title: strings("account.change_password"), lead: strings("account.change_password_lead"),
            action: request.uri.path, button: strings("account.change_password"), tone: "primary",
            backPath: "/console/account", fields: proofFields(form) + [new], failure: form.failure)
        return try await page("small-form", view, in: .account, status: status)
    }
}
