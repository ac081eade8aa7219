import Accounts
import Catalog
import Management
import Policy
import Values

/// What the form of an account says; what can't be so is noted in the form. Its fields are called as those of the API.
struct AccountFields {
    let name: DisplayName?
    let cap: CredentialCap?
    let defaultGroup: GroupName?
    let groups: [GroupName]

    init(_ form: inout Form, _ strings: Strings) {
        name = form.required("name")
        cap = Int(form.text("credential_cap").string).flatMap { CredentialCap($0) }
        // A form that was shown has it; one that has not changes nothing.
        if cap == nil, form.has("credential_cap") { form.note("credential_cap", strings("invalid.required")) }
        defaultGroup = form.optional("default_group")
        var groups: [GroupName] = []
        for text in form.texts("groups") {
            if let group = GroupName(text) {
                groups.append(group)
            } else {
                form.note("groups", strings.rule(GroupName.refusal(of: text)))
            }
        }
        self.groups = groups
    }

    /// A new account, with the standards of the deployment where the form says nothing.
    func draft(_ name: DisplayName) -> AccountDraft {
        AccountDraft(name: name, cap: cap ?? .standard, defaultGroup: defaultGroup, groups: groups)
    }

    /// What the form of an account shows before anybody types.
    static func shown(_ old: Account) -> [(name: String, texts: [Text])] {
        [
            (name: "name", texts: [Text(old.name)]),
            (name: "credential_cap", texts: [Text(String(old.cap.value))]),
            (name: "default_group", texts: [Text(old.defaultGroup)]),
            (name: "groups", texts: old.groups.map { Text($0) }),
        ]
    }

    /// What the form says otherwise than it showed, for an account that there is.
    func edit(_ form: Form) -> AccountEdit {
        var edit = AccountEdit()
        if form.isChanged("name") { edit.name = name }
        if form.isChanged("credential_cap") { edit.cap = cap }
        if form.isChanged("default_group") { edit.defaultGroup = defaultGroup }
        if form.isListChanged("groups") { edit.groups = groups }
        return edit
    }
}
