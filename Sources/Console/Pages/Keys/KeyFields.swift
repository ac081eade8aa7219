import Catalog
import Credentials
import Management
import Policy
import Values

/// What the form of a key says; what can't be so is noted in the form. Its fields are called as those of the API.
struct KeyFields {
    let name: OptionalName?
    let creditLimit: Credits?
    let monthlyLimit: Credits?
    let expiry: KeyExpiry?
    let models: [ModelName]?
    let addresses: [AddressBlock]?
    let host: HostName?
    let group: GroupName?
    let labels: [KeyLabel]
    let environment: KeyEnvironment?
    /// `nil` where the form doesn't ask.
    let isEnabled: Bool?

    init(_ form: inout Form, _ strings: Strings) {
        let given: DisplayName? = form.required("name")
        name = given.flatMap { OptionalName($0.text) }
        creditLimit = Self.credits(&form, "limited_amount", strings)
        monthlyLimit = Self.credits(&form, "monthly_limit", strings)
        expiry = KeyExpiry(&form, strings)
        models = Self.models(&form, strings)
        addresses = Self.addresses(&form, strings)
        host = form.optional("host")
        group = form.optional("group")
        labels = Self.labels(&form, strings)
        environment = form.optional("environment")
        isEnabled = form.has("enabled") ? form.text("enabled") == "yes" : nil
    }

    /// Amounts are shown with commas, so they may be typed with them.
    static func amount(_ text: Text) -> Credits? {
        guard text.utf8.count <= 64 else { return nil }
        let digits = String(decoding: text.trimmed.utf8.filter { $0 != UInt8(ascii: ",") }, as: UTF8.self)
        return Credits(decimal: digits).flatMap { CredentialDraft.limits.contains($0.micro) ? $0 : nil }
    }

    private static func credits(_ form: inout Form, _ name: String, _ strings: Strings) -> Credits? {
        let text = form.text(name)
        if text.trimmed.isEmpty { return nil }
        if let credits = amount(text) { return credits }
        form.note(name, strings("invalid.credits"))
        return nil
    }

    /// No box ticked is no restriction where there was none. The end of one is said by a box of its own.
    private static func models(_ form: inout Form, _ strings: Strings) -> [ModelName]? {
        if form.text("all_models") == "yes" { return nil }
        if form.isEmptied("models") { form.note("models", strings("key.models_none")) }
        var models: [ModelName] = []
        for text in form.texts("models") {
            guard let model = ModelName(text) else {
                form.note("models", strings.rule(ModelName.refusal(of: text)))
                return nil
            }
            models.append(model)
        }
        return models.isEmpty ? nil : models
    }

    /// One on each line, or with commas between.
    private static func addresses(_ form: inout Form, _ strings: Strings) -> [AddressBlock]? {
        let words = words(form.text("ip_allowlist"))
        var blocks: [AddressBlock] = []
        for word in words.prefix(CredentialDraft.listed.upperBound + 1) {
            guard let block = AddressBlock(word) else {
                form.note("ip_allowlist", strings("invalid.address", ["text": word.string]))
                return nil
            }
            blocks.append(block)
        }
        return blocks.isEmpty ? nil : blocks
    }

    private static func labels(_ form: inout Form, _ strings: Strings) -> [KeyLabel] {
        var labels: [KeyLabel] = []
        for word in words(form.text("labels")).prefix(KeyLabel.most + 1) {
            guard let label = KeyLabel(word) else {
                form.note("labels", strings.rule(KeyLabel.refusal(of: word)))
                return []
            }
            labels.append(label)
        }
        return labels
    }

    private static func words(_ text: Text) -> [Text] {
        text.utf8.split { $0 == 0x20 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
            .map { Text(decoding: $0) }
    }

    func terms(at now: Timestamp) -> KeyTerms {
        KeyTerms(
            expiresAt: expiry?.time(from: now), creditLimit: creditLimit, monthlyLimit: monthlyLimit,
            group: group?.text, models: models?.map(\.text), addresses: addresses, host: host)
    }

    /// What the form of a key shows before anybody types.
    static func shown(_ key: KeyDetails, _ formats: Formats) -> [(name: String, texts: [Text])] {
        let (credential, terms) = (key.credential, key.credential.terms)
        let single: [(String, String?)] = [
            ("name", credential.name), ("enabled", credential.isEnabled ? "yes" : "no"),
            ("monthly_limit", terms.monthlyLimit.map(formats.credits)),
            ("limited_amount", terms.creditLimit.map(formats.credits)),
            ("expiry", terms.expiresAt == nil ? "never" : "date"), ("expired_at", terms.expiresAt.map(KeyExpiry.text)),
            ("ip_allowlist", terms.addresses?.map(\.text).joined(separator: "\n")), ("host", terms.host?.text),
            ("group", terms.group), ("environment", credential.environment),
            ("labels", credential.labels.joined(separator: " ")),
        ]
        return single.map { (name: $0.0, texts: [Text($0.1 ?? "")]) }
            + [(name: "models", texts: (terms.models ?? []).map { Text($0) })]
    }

    /// What the form says otherwise than it showed, for a key that there is.
    func edit(of old: KeyDetails, _ form: Form) -> CredentialEdit {
        var edit = CredentialEdit()
        if form.isChanged("name") { edit.name = name }
        // A date that nobody touched is not asked for again: it may have passed.
        if form.isChanged("expiry") || form.isChanged("expired_at"), let expiry,
            !expiry.isSame(as: old.credential.terms.expiresAt)
        {
            edit.expiresAt = .some(expiry.time(from: old.at))
        }
        if form.isChanged("limited_amount") { edit.creditLimit = .some(creditLimit) }
        if form.isChanged("monthly_limit") { edit.monthlyLimit = .some(monthlyLimit) }
        if form.isChanged("group") { edit.group = .some(group) }
        if form.has("all_models") || form.isListChanged("models") { edit.models = .some(models) }
        if form.isChanged("ip_allowlist") { edit.addresses = .some(addresses) }
        if form.isChanged("host") { edit.host = .some(host) }
        if form.isChanged("labels") { edit.labels = labels }
        if form.isChanged("environment") { edit.environment = .some(environment) }
        if form.isChanged("enabled") { edit.isEnabled = isEnabled }
        return edit
    }
}
