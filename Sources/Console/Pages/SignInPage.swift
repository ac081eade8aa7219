import Accounts
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

/// The door: address and password.
struct SignInPage: View {
    let email: Field
    let password: Field
    let failure: String?
    /// Why the person is here, when they didn't ask to.
    let note: String?
    /// The host's name, as the person asked for it.
    let host: String
    /// Where to go on to.
    let target: String
    /// What a form had sent when its session was over, and where to.
    let carried: [Form.Carried]
    let carriedTo: String?
    let isWithoutHTTPS: Bool
}

/// The second step of who has a second factor.
struct CodePage: View {
    let code: Field
    let failure: String?
    let waiting: String
    let target: String
    let carried: [Form.Carried]
    let carriedTo: String?
}

/// After a sign-in in between: what was typed before, not sent yet.
struct ResumePage: View {
    let carried: [Form.Carried]
    let path: String
}

extension Console {
    func declareSignIn(_ routes: inout Routes) {
        openPage(&routes, "/console/sign-in") { visit in
            if visit.caller.actor != nil { return visit.see(visit.target(visit.query("next")).text) }
            if try await management.isWaitingForSetUp() { return visit.see("/console/set-up") }
            return try await visit.signInPage(Form(visit.strings))
        }

        openForm(&routes, "/console/sign-in", limit: Form.longestCarrying) { visit, form in
            var form = form
            if visit.isWithoutHTTPS { return try await visit.signInPage(form, status: .badRequest) }
            let email: EmailAddress? = form.required("email")
            let password: Password? = form.required("password")
            guard let email, let password else { return try await visit.signInPage(form, status: .badRequest) }
            do {
                let opened = try await management.createSession(
                    visit.caller, email: email, Proof(password: password, code: nil))
                return try await visit.begin(opened, form)
            } catch let refusal as Refusal where refusal.code == .secondFactorRequired {
                return try await visit.codePage(form, waiting: Text(waiting.add(email, password)))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.note(refusal)
                return try await visit.signInPage(form, status: refusal.problem.status)
            }
        }

        openForm(&routes, "/console/sign-in/code", limit: Form.longestCarrying) { visit, form in
            var form = form
            let name = form.text("waiting")
            guard let found = waiting.find(name) else {
                return try await visit.signInPage(form, note: visit.strings("sign_in.code_too_late"), status: .conflict)
            }
            guard let code: SecondFactorCode = form.required("code") else {
                return try await visit.codePage(form, waiting: name, status: .badRequest)
            }
            do {
                let opened = try await management.createSession(
                    visit.caller, email: found.email, Proof(password: found.password, code: code))
                waiting.remove(name)
                return try await visit.begin(opened, form)
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                if refusal.code == .signInFailed {
                    form.note("code", visit.strings("invalid.code"))
                } else {
                    form.note(refusal)
                }
                return try await visit.codePage(form, waiting: name, status: refusal.problem.status)
            }
        }

        form(&routes, "/sign-out", for: .deleteSession) { visit, _ in
            try await management.deleteSession(visit.caller)
            var response = visit.see("/console/sign-in", Flash(.signedOut))
            response.headers[.clearSiteData] = "\"cache\", \"storage\""
            response.headers[values: .setCookie].append(SessionCookie.clearing)
            return response
        }
    }
}

extension Visit {
    /// Whether a browser would drop the session cookie, and with it the sign-in.
    var isWithoutHTTPS: Bool {
        PlainHTTP.losesCookies(request.headers, authority: request.head.authority, peer: context.peer)
    }

    /// Where to go on to: a page of ours, or else the first one.
    func target(_ given: Text?) -> LocalPath { given.flatMap { LocalPath($0) } ?? .start }

    fileprivate func signInPage(
        _ form: Form, note: String? = nil, carriedTo: String? = nil, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let view = SignInPage(
            email: form.field(
                "email", label: strings("field.email"), type: "email", autocomplete: "username",
                hasFocus: form.text("email").isEmpty),
            password: form.field(
                "password", label: strings("field.password"), type: "password", autocomplete: "current-password",
                isSecret: true, hasFocus: !form.text("email").isEmpty),
            failure: form.failure, note: note, host: request.head.authority ?? "",
            target: target(form.has("next") ? form.text("next") : query("next")).text, carried: form.carriedOn,
            carriedTo: carriedTo ?? form.carriedTo, isWithoutHTTPS: isWithoutHTTPS)
        return try await page("sign-in", view, status: status)
    }

    fileprivate func codePage(
        _ form: Form, waiting: Text, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let view = CodePage(
            code: form.field(
                "code", label: strings("field.code"), help: strings("sign_in.code_help"),
                autocomplete: "one-time-code", isSecret: true, hasFocus: true),
            failure: form.failure, waiting: waiting.string, target: target(form.text("next")).text,
            carried: form.carriedOn, carriedTo: form.carriedTo)
        return try await page("sign-in-code", view, status: status)
    }

    /// Begins a session, and goes on to where the person was going.
    func begin(_ opened: OpenedSession, _ form: Form) async throws -> Response {
        var response: Response
        if let path = form.carriedTo {
            let actor = try await management.actor(.session(opened.token), from: context.client)
            let visit = Visit(
                console: console, request: request, context: context,
                caller: management.caller(actor, at: context.client))
            response = try await visit.page("resume", ResumePage(carried: form.carriedOn, path: path))
        } else {
            response = see(target(form.text("next")).text)
        }
        response.headers[values: .setCookie].append(SessionCookie.setting(opened.token))
        return response
    }

    /// A form came whose session is over: the sign-in, and after it the form again.
    func sessionEnded(_ form: Form) async throws -> Response {
        let page = try await signInPage(
            Form(carrying: form, strings), note: strings("sign_in.session_ended"),
            carriedTo: LocalPath(Text(request.uri.path))?.text, status: .unauthorized)
        return page
    }
}
