import Accounts
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

/// The pages of who comes in for the first time: the first admin, somebody who was invited, and who has a new password to
/// choose. Each needs a token that somebody gave them, which they paste; it is in no address.
struct ComingInPage: View {
    let title: String
    let lead: String
    let action: String
    let button: String
    let fields: [Field]
    let failure: String?
    let isWithoutHTTPS: Bool
    let host: String
}

/// One of these pages.
private enum Entry: String, CaseIterable {
    case setUp = "set_up"
    case invitation, reset

    var path: String { "/console/" + (self == .setUp ? "set-up" : rawValue) }

    func page(_ visit: Visit, _ form: Form, status: HTTPResponse.Status = .ok) async throws -> Response {
        let strings = visit.strings
        var fields = [
            form.field(
                "token", label: strings("\(rawValue).token"), help: strings("\(rawValue).token_help"),
                hasFocus: !form.has("token"))
        ]
        if self == .setUp {
            fields.append(
                form.field("account_name", value: Management.firstAccountName, label: strings("field.account_name")))
            fields.append(
                form.field("email", label: strings("field.email"), type: "email", autocomplete: "username"))
        }
        fields.append(
            form.field(
                "password", label: strings("field.new_password"), help: strings("field.new_password_help"),
                type: "password", autocomplete: "new-password", isSecret: true, least: Password.minimumLength))
        let view = ComingInPage(
            title: strings("\(rawValue).title"), lead: strings("\(rawValue).lead"), action: path,
            button: strings("\(rawValue).button"), fields: fields, failure: form.failure,
            isWithoutHTTPS: visit.isWithoutHTTPS, host: visit.request.head.authority ?? "")
        return try await visit.page("coming-in", view, status: status)
    }
}

extension Console {
    func declareComingIn(_ routes: inout Routes) {
        for entry in Entry.allCases {
            openPage(&routes, entry.path) { visit in
                if entry == .setUp, try await !management.isWaitingForSetUp() { return visit.see("/console/sign-in") }
                return try await entry.page(visit, Form(visit.strings))
            }

            openForm(&routes, entry.path) { visit, form in
                var form = form
                if visit.isWithoutHTTPS { return try await entry.page(visit, form, status: .badRequest) }
                do {
                    switch try await come(in: entry, visit, &form) {
                    case .notYet: return try await entry.page(visit, form, status: .badRequest)
                    case .mayNow: return visit.see("/console/sign-in", Flash(.saved))
                    case .isIn(let opened): return try await visit.begin(opened, form)
                    }
                } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                    form.note(refusal)
                    return try await entry.page(visit, form, status: refusal.problem.status)
                }
            }
        }
    }

    private enum Outcome {
        /// A field broke its rule.
        case notYet
        /// With the new password.
        case mayNow
        case isIn(OpenedSession)
    }

    private func come(in entry: Entry, _ visit: Visit, _ form: inout Form) async throws(Refusal) -> Outcome {
        let token: GivenText? = form.required("token")
        let password: Password? = form.required("password")
        let user: User
        switch entry {
        case .setUp:
            let name: DisplayName? = form.optional("account_name")
            let email: EmailAddress? = form.required("email")
            guard form.isGood, let token, let password, let email else { return .notYet }
            user = try await management.setUp(
                visit.caller, token: token, email: email, password: password, accountName: name)
        case .invitation:
            guard let token, let password else { return .notYet }
            user = try await management.acceptInvitation(visit.caller, token: token, password: password)
        case .reset:
            guard let token, let password else { return .notYet }
            try await management.acceptPasswordReset(visit.caller, token: token, password: password)
            return .mayNow
        }
        guard let email = EmailAddress(user.email), let password else { return .notYet }
        return .isIn(
            try await management.createSession(visit.caller, email: email, Proof(password: password, code: nil)))
    }
}
