import Accounts
import Database
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Secrets
import Values
import Web

/// A token for the person's own tools: its name, what it may do, until when.
struct PlatformTokenForm: View {
    struct ScopeChoice: View {
        let value: String
        let may: String
        let isChosen: Bool
    }

    struct Lifetime: View {
        let value: String
        let name: String
        let isChosen: Bool
    }

    let name: Field
    let scopes: [ScopeChoice]
    let scopesFault: String?
    let lifetimes: [Lifetime]
    let proof: [Field]
    let failure: String?
}

/// How long a new token is to work, in days; 0 for as long as nobody revokes it.
private enum TokenLifetime: Int64, CaseIterable {
    case month = 30
    case quarter = 90
    case year = 365
    case permanent = 0
}

extension Console {
    func declarePlatformTokens(_ routes: inout Routes) {
        page(&routes, "/tokens/new", for: .listPlatformTokens) { visit in
            try await visit.tokenForm(Form(visit.strings))
        }

        form(&routes, "/tokens/new", for: .listPlatformTokens) { visit, form in
            var form = form
            let name: DisplayName? = form.required("name")
            let ticked = form.texts("scopes")
            let scopes = ticked.compactMap { Scope($0) }
            if scopes.isEmpty || scopes.count < ticked.count { form.note("scopes", visit.strings("token.no_scope")) }
            let days = Int64(form.text("lifetime").string).flatMap { TokenLifetime(rawValue: $0) }?.rawValue
            if days == nil { form.note("lifetime", visit.strings("invalid.required")) }
            return try await visit.proving(form, again: { try await visit.tokenForm($0, status: $1) }) { caller in
                guard let name, let days else { throw Problem.notFound }
                let (token, secret) = try await management.createPlatformToken(
                    caller, name: name, scopes: scopes,
                    expiresAt: days == 0 ? nil : visit.formats.now.adding(.seconds(days * 86_400)))
                return try await visit.issued(token, secret)
            }
        }

        page(&routes, "/tokens/{token_id}/revoke", for: .deletePlatformToken) { visit in
            try await visit.revocation(of: try await visit.token())
        }

        form(&routes, "/tokens/{token_id}/revoke", for: .deletePlatformToken) { visit, _ in
            try await management.deletePlatformToken(visit.caller, try visit.identifier("token_id"))
            return visit.see("/console/members#tokens", Flash(.deleted))
        }
    }
}

extension Visit {
    fileprivate func tokenForm(_ form: Form, status: HTTPResponse.Status = .ok) async throws -> Response {
        let chosen = form.texts("scopes")
        let lifetime = form.has("lifetime") ? form.text("lifetime") : Text(String(TokenLifetime.quarter.rawValue))
        let view = PlatformTokenForm(
            name: form.field(
                "name", label: strings("field.name"), help: strings("token.name_help"), hasFocus: true),
            scopes: Scope.allCases.filter { caller.actor?.scopes.contains($0) ?? false }.map { scope in
                PlatformTokenForm.ScopeChoice(
                    value: scope.rawValue, may: strings("scope." + scope.rawValue),
                    isChosen: chosen.contains(Text(scope.rawValue)))
            },
            scopesFault: form.faults["scopes"],
            lifetimes: TokenLifetime.allCases.map { choice in
                PlatformTokenForm.Lifetime(
                    value: String(choice.rawValue), name: strings("token.days_\(choice.rawValue)"),
                    isChosen: Text(String(choice.rawValue)) == lifetime)
            },
            proof: proofFields(form), failure: form.failure)
        return try await page("token-form", view, in: .members, status: status)
    }

    /// The only answer that has the token.
    fileprivate func issued(_ token: PlatformToken, _ secret: Secret) async throws -> Response {
        let view = ShownOnce(
            title: strings("token.done", ["name": token.name]), lead: strings("token.done_lead"),
            secret: SecretBox(secret, id: "token"), help: strings.rich("token.done_help"),
            donePath: "/console/members#tokens")
        return try await page("shown-once", view, in: .members)
    }

    /// The person's own token that the address names.
    fileprivate func token() async throws -> PlatformToken {
        let id = try identifier("token_id")
        var page = Page(limit: Page.limits.upperBound)
        while true {
            let listing = try await management.listPlatformTokens(caller, page)
            if let token = listing.items.first(where: { $0.id == id }) { return token }
            guard let next = listing.next else { throw Problem.notFound }
            page = Page(limit: Page.limits.upperBound, after: next)
        }
    }

    fileprivate func revocation(of token: PlatformToken) async throws -> Response {
        let view = Confirmation(
            title: strings("token.revoke_title", ["name": token.name]), lead: strings("token.revoke_lead"),
            action: request.uri.path, backPath: "/console/members#tokens", keep: strings("action.keep"),
            button: strings("tokens.revoke"), isDanger: true, fields: [], failure: nil)
        return try await page("confirmation", view, in: .members)
    }
}
