import Catalog
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Secrets
import Values
import Web

/// A new provider, or one that is changed.
struct ProviderForm: View {
    struct KindChoice: View {
        let value: String
        let name: String
        let help: String
        let isChosen: Bool
    }

    let title: String
    let lead: String
    let action: String
    let button: String
    let backPath: String
    let name: Field
    /// Empty for one that there is: its kind stays.
    let kinds: [KindChoice]
    let hasKinds: Bool
    let kindFault: String?
    /// Address and secret; empty for one that needs no network.
    let remote: [Field]
    let hasSecret: Bool
    let takesSecretAway: Bool
    let failure: String?
    /// What it showed before anybody typed.
    let marks: [Form.Carried]
}

extension Console {
    func declareProviderForms(_ routes: inout Routes) {
        page(&routes, "/providers/new", for: .createProvider) { visit in
            try await visit.providerForm(Form(visit.strings), of: nil)
        }

        form(&routes, "/providers/new", for: .createProvider) { visit, form in
            var form = form
            let kind: Provider.Kind? = form.required("kind")
            let fields = ProviderFields(&form, kind ?? .openai, visit.strings)
            guard form.isGood, let kind, let name = fields.name else {
                return try await visit.providerForm(form, of: nil, status: .badRequest)
            }
            do {
                let made = try await management.createProvider(
                    visit.caller, NewProvider(name: name, kind: kind, baseURL: fields.baseURL, secret: fields.secret))
                return visit.see("/console/providers/\(made.id)", Flash(.created, made.id))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.note(refusal)
                return try await visit.providerForm(form, of: nil, status: refusal.problem.status)
            }
        }

        page(&routes, "/providers/{provider_id}/edit", for: .updateProvider) { visit in
            try await visit.providerForm(Form(visit.strings), of: try await visit.provider())
        }

        form(&routes, "/providers/{provider_id}/edit", for: .updateProvider) { visit, form in
            var form = form
            let old = try await visit.provider()
            let fields = ProviderFields(&form, old.kind, visit.strings)
            guard form.isGood else { return try await visit.providerForm(form, of: old, status: .badRequest) }
            do {
                _ = try await management.updateProvider(visit.caller, old.id, fields.edit(form))
                return visit.see("/console/providers/\(old.id)", Flash(.saved, old.id))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                if refusal.code == .notFound { throw refusal }
                form.note(refusal)
                return try await visit.providerForm(form, of: old, status: refusal.problem.status)
            }
        }

        page(&routes, "/providers/{provider_id}/delete", for: .deleteProvider) { visit in
            try await visit.deletionPage(Form(visit.strings), of: try await visit.provider())
        }

        form(&routes, "/providers/{provider_id}/delete", for: .deleteProvider) { visit, form in
            var form = form
            let provider = try await visit.provider()
            do {
                try await management.deleteProvider(visit.caller, provider.id)
                return visit.see("/console/providers", Flash(.deleted))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                if refusal.code == .notFound { throw refusal }
                form.note(refusal)
                return try await visit.deletionPage(form, of: provider, status: refusal.problem.status)
            }
        }
    }
}

extension Visit {
    /// - Parameter old: the provider that is changed; `nil` for a new one.
    fileprivate func providerForm(
        _ form: Form, of old: Provider?, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let chosen = form.has("kind") ? form.text("kind") : Text(Provider.Kind.openai.rawValue)
        let kinds = old == nil ? [Provider.Kind.openai, .echo] : []
        let view = ProviderForm(
            title: strings(old == nil ? "provider.new" : "provider.edit"),
            lead: strings(old == nil ? "provider.new_lead" : "provider.edit_lead"), action: request.uri.path,
            button: strings(old == nil ? "provider.create" : "action.save"),
            backPath: old.map { "/console/providers/\($0.id)" } ?? "/console/providers",
            name: form.field("name", value: old?.name ?? "", label: strings("field.name"), hasFocus: old == nil),
            kinds: kinds.map { kind in
                ProviderForm.KindChoice(
                    value: kind.rawValue, name: strings("provider.kind_\(kind.rawValue)"),
                    help: strings("provider.kind_\(kind.rawValue)_help"), isChosen: Text(kind.rawValue) == chosen)
            },
            hasKinds: !kinds.isEmpty, kindFault: form.faults["kind"],
            remote: old?.kind == .echo ? [] : remoteFields(form, old), hasSecret: old?.hasSecret ?? false,
            takesSecretAway: form.text("no_secret") == "yes", failure: form.failure,
            marks: form.marks(of: old.map(ProviderFields.shown) ?? []))
        return try await page("provider-form", view, in: .providers, status: status)
    }

    private func remoteFields(_ form: Form, _ old: Provider?) -> [Field] {
        var address = form.field(
            "base_url", value: old?.baseURL?.text ?? "", label: strings("provider.base_url"),
            help: strings("provider.base_url_help"), type: "url")
        // Of one that needs no network it stays empty.
        address.isRequired = old != nil
        let keeps = old?.hasSecret ?? false
        let secret = form.field(
            "secret", label: strings(keeps ? "provider.new_secret" : "provider.secret"),
            help: strings(keeps ? "provider.secret_kept" : "provider.secret_help"), type: "password", isOptional: true,
            isSecret: true)
        return [address, secret]
    }

    fileprivate func deletionPage(
        _ form: Form, of provider: Provider, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let view = Confirmation(
            title: strings("provider.delete_title", ["name": provider.name]), lead: strings("provider.delete_lead"),
            action: request.uri.path, backPath: "/console/providers/\(provider.id)", keep: strings("action.keep"),
            button: strings("action.delete_for_ever"), isDanger: true, fields: [], failure: form.failure)
        return try await page("confirmation", view, in: .providers, status: status)
    }
}
