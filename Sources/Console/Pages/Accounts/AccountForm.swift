import Accounts
import Catalog
import Database
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Policy
import Values
import Web

/// A new account, or one that is changed.
struct AccountForm: View {
    struct Choice: View {
        let value: String
        let name: String
        let isChosen: Bool
    }

    let title: String
    let lead: String
    let action: String
    let button: String
    let backPath: String
    let name: Field
    let caps: [Choice]
    let capFault: String?
    let defaults: [Choice]
    let defaultFault: String?
    let groups: [Choice]
    let groupsFault: String?
    let failure: String?
    /// What it showed before anybody typed.
    let marks: [Form.Carried]
}

extension Console {
    func declareAccountForms(_ routes: inout Routes) {
        page(&routes, "/accounts/new", for: .createAccount) { visit in
            try await visit.accountForm(Form(visit.strings), of: nil)
        }

        form(&routes, "/accounts/new", for: .createAccount) { visit, form in
            var form = form
            let fields = AccountFields(&form, visit.strings)
            guard form.isGood, let name = fields.name else {
                return try await visit.accountForm(form, of: nil, status: .badRequest)
            }
            do {
                let made = try await management.createAccount(visit.caller, fields.draft(name)).account
                return visit.see("\(Self.accountsPath)/\(made.id)", Flash(.created, made.id))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.note(refusal)
                return try await visit.accountForm(form, of: nil, status: refusal.problem.status)
            }
        }

        page(&routes, "/accounts/{account_id}/edit", for: .updateAccount) { visit in
            try await visit.accountForm(Form(visit.strings), of: try await visit.namedAccount().account)
        }

        form(&routes, "/accounts/{account_id}/edit", for: .updateAccount) { visit, form in
            var form = form
            let old = try await visit.namedAccount().account
            let fields = AccountFields(&form, visit.strings)
            guard form.isGood else { return try await visit.accountForm(form, of: old, status: .badRequest) }
            do {
                _ = try await management.updateAccount(visit.caller, old.id, fields.edit(form))
                return visit.see("\(Self.accountsPath)/\(old.id)", Flash(.saved, old.id))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.note(refusal)
                return try await visit.accountForm(form, of: old, status: refusal.problem.status)
            }
        }
    }
}

extension Visit {
    /// The account that the address names.
    func namedAccount() async throws -> AccountDetails {
        try await management.getAccount(caller, try identifier("account_id"))
    }

    /// - Parameter old: the account that is changed; `nil` for a new one.
    fileprivate func accountForm(
        _ form: Form, of old: Account?, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let isSent = form.has("name")
        let ticked = isSent ? form.texts("groups") : (old?.groups ?? []).map { Text($0) }
        let group =
            isSent ? form.text("default_group") : Text(old?.defaultGroup ?? PricingGroup.standard)
        let cap = isSent ? form.text("credential_cap") : Text(String((old?.cap ?? .standard).value))
        let had = (old.map { $0.groups + [$0.defaultGroup] } ?? []).map { Text($0) }
        let groups = try await allGroups(with: had, or: ticked + [group])
        let view = AccountForm(
            title: old.map { strings("accounts.edit_title", ["name": $0.name]) } ?? strings("accounts.new"),
            lead: strings(old == nil ? "accounts.new_lead" : "accounts.edit_lead"), action: request.uri.path,
            button: strings(old == nil ? "accounts.create" : "action.save"),
            backPath: old.map { "\(Console.accountsPath)/\($0.id)" } ?? Console.accountsPath,
            name: form.field("name", value: old?.name ?? "", label: strings("field.name"), hasFocus: old == nil),
            caps: CredentialCap.range.map {
                AccountForm.Choice(
                    value: String($0), name: formats.number($0), isChosen: Text(String($0)) == cap)
            },
            capFault: form.faults["credential_cap"],
            defaults: groups.map { AccountForm.Choice(value: $0.value, name: $0.name, isChosen: $0.text == group) },
            defaultFault: form.faults["default_group"],
            groups: groups.map {
                AccountForm.Choice(value: $0.value, name: $0.name, isChosen: ticked.contains($0.text))
            },
            groupsFault: form.faults["groups"], failure: form.failure,
            marks: form.marks(of: old.map(AccountFields.shown) ?? []))
        return try await page("account-form", view, in: .accounts, status: status)
    }

    /// Every pricing group that can be chosen.
    /// - Parameters:
    ///   - had: those that the account has, which it keeps when they are retired.
    ///   - sent: those that a form has, which stay in it whatever they are.
    private func allGroups(
        with had: [Text], or sent: [Text]
    ) async throws -> [(text: Text, value: String, name: String)] {
        var all: [(text: Text, value: String, name: String)] = []
        var after: GroupName?
        // A thousand, which is more than a page can show.
        for _ in 0..<10 {
            let listed = try await management.listGroups(caller, limit: Page.limits.upperBound, after: after)
            for details in listed.items where !details.group.isRetired || had.contains(Text(details.group.name)) {
                let name = details.group.name
                let multiplier = details.multiplier?.decimal ?? ""
                all.append(
                    (Text(name), name, strings("key.group_choice", ["name": name, "multiplier": multiplier])))
            }
            guard let next = listed.next.flatMap({ GroupName($0) }) else { break }
            after = next
        }
        for name in had + sent where !name.isEmpty && !all.contains(where: { $0.text == name }) {
            all.append((name, name.string, name.string))
        }
        return all
    }
}
