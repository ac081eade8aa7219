import Accounts
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Secrets
import Values
import Web

/// The secret of a new second factor, to be scanned or typed, this once.
struct EnrolmentPage: View {
    /// The picture's side in modules, with its border; `nil` where the address is too long for a code.
    struct Picture: View {
        let side: Int
        let path: String
    }

    let picture: Picture?
    let groups: [String]
    let isAgain: Bool
    let code: Field
    let failure: String?
}

/// Recovery codes, this once.
struct RecoveryCodesPage: View {
    let codes: [String]
}

/// What takes a fresh proof on the way to a second factor, or from it.
private enum FactorStep: String, CaseIterable {
    case begin = "factor_begin"
    case remove = "factor_remove"
    case renewCodes = "factor_codes"

    var path: String {
        switch self {
        case .begin: "/account/second-factor"
        case .remove: "/account/second-factor/remove"
        case .renewCodes: "/account/recovery-codes"
        }
    }

    func page(_ visit: Visit, _ form: Form, status: HTTPResponse.Status = .ok) async throws -> Response {
        let strings = visit.strings
        let view = SmallForm(
            title: strings("account.\(rawValue)"), lead: strings("account.\(rawValue)_lead"),
            action: visit.request.uri.path, button: strings("account.\(rawValue)_button"),
            tone: self == .remove ? "danger" : "primary", backPath: "/console/account",
            fields: visit.proofFields(form), failure: form.failure)
        return try await visit.page("small-form", view, in: .account, status: status)
    }
}

extension Console {
    func declareSecondFactor(_ routes: inout Routes) {
        for step in FactorStep.allCases {
            // The operations themselves ask for the proof that this page is for.
            page(&routes, step.path, for: .getSession) { visit in try await step.page(visit, Form(visit.strings)) }

            form(&routes, step.path, for: .getSession) { visit, form in
                var form = form
                guard let caller = try await visit.proved(&form) else {
                    return try await step.page(visit, form, status: .badRequest)
                }
                do {
                    return try await take(step, visit, caller)
                } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                    form.note(refusal)
                    return try await step.page(visit, form, status: refusal.problem.status)
                }
            }
        }

        form(&routes, "/account/second-factor/confirm", for: .getSession) { visit, form in
            var form = form
            guard let code: SecondFactorCode = form.required("code") else {
                return try await visit.enrolmentAgain(form, status: .badRequest)
            }
            do {
                return try await visit.codesPage(try await management.confirmTotp(visit.caller, code))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                if refusal.fields.isEmpty {
                    form.note(refusal)
                } else {
                    form.note("code", visit.strings("invalid.code"))
                }
                return try await visit.enrolmentAgain(form, status: refusal.problem.status)
            }
        }
    }

    private func take(_ step: FactorStep, _ visit: Visit, _ caller: Caller) async throws -> Response {
        switch step {
        case .begin:
            let (totp, user) = try await management.beginTotp(caller)
            let code = QRCode(totp.uri(issuer: "Latchkey", account: user.email))
            let secret = Array(totp.base32)
            let view = EnrolmentPage(
                picture: code.map { EnrolmentPage.Picture(side: $0.size + 8, path: $0.path) },
                groups: stride(from: 0, to: secret.count, by: 4).map {
                    String(secret[$0..<min($0 + 4, secret.count)])
                },
                isAgain: false, code: visit.codeField(Form(visit.strings)), failure: nil)
            return try await visit.page("enrolment", view, in: .account)
        case .remove:
            try await management.deleteTotp(caller)
            return visit.see("/console/account", Flash(.saved))
        case .renewCodes:
            return try await visit.codesPage(try await management.createRecoveryCodes(caller))
        }
    }
}

extension Visit {
    fileprivate func codeField(_ form: Form) -> Field {
        form.field(
            "code", label: strings("field.code"), help: strings("account.code_help"), autocomplete: "one-time-code",
            isSecret: true, hasFocus: true)
    }

    /// After a code that was wrong: the app has the secret by now, and it is shown no second time.
    fileprivate func enrolmentAgain(_ form: Form, status: HTTPResponse.Status) async throws -> Response {
        let view = EnrolmentPage(
            picture: nil, groups: [], isAgain: true, code: codeField(form), failure: form.failure)
        return try await page("enrolment", view, in: .account, status: status)
    }

    fileprivate func codesPage(_ codes: [Secret]) async throws -> Response {
        try await page("recovery-codes", RecoveryCodesPage(codes: codes.map { $0.exposed() }), in: .account)
    }
}
