import Accounts
import Catalog
import Management
import Values

/// What the form of a provider says; what can't be so is noted in the form.
struct ProviderFields {
    let name: DisplayName?
    let baseURL: BaseURL?
    let secret: ProviderSecret?
    /// Whether the stored secret is to go.
    let takesSecretAway: Bool

    /// - Parameter kind: of the provider; one that needs no network has neither address nor secret.
    init(_ form: inout Form, _ kind: Provider.Kind, _ strings: Strings) {
        name = form.required("name")
        baseURL = kind == .openai ? form.required("base_url") : form.optional("base_url")
        secret = form.optional("secret")
        takesSecretAway = form.text("no_secret") == "yes"
        if takesSecretAway, !form.text("secret").isEmpty { form.note("secret", strings("provider.secret_both")) }
    }

    /// What the form of a provider shows before anybody types. Its secret is shown nowhere.
    static func shown(_ old: Provider) -> [(name: String, texts: [Text])] {
        [(name: "name", texts: [Text(old.name)]), (name: "base_url", texts: [Text(old.baseURL?.text ?? "")])]
    }

    /// What the form says otherwise than it showed, for a provider that there is. No secret typed keeps the stored one.
    func edit(_ form: Form) -> ProviderEdit {
        ProviderEdit(
            name: form.isChanged("name") ? name : nil, baseURL: form.isChanged("base_url") ? baseURL : nil,
            secret: takesSecretAway ? .clear : secret.map { .set($0.secret) } ?? .keep)
    }
}
