import Accounts
import Database
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Metering
import Values
import Web

/// How an account is stopped for a while, goes on, and ends.
extension Console {
    func declareAccountStops(_ routes: inout Routes) {
        for (word, isSuspended) in [("suspend", true), ("resume", false)] {
            page(&routes, "/accounts/{account_id}/\(word)", for: .updateAccount) { visit in
                let details = try await visit.namedAccount()
                return try await visit.pausing(Form(visit.strings), word, of: details)
            }

            form(&routes, "/accounts/{account_id}/\(word)", for: .updateAccount) { visit, form in
                var form = form
                let details = try await visit.namedAccount()
                var edit = AccountEdit()
                edit.isSuspended = isSuspended
                do {
                    let id = details.account.id
                    _ = try await management.updateAccount(visit.caller, id, edit)
                    return visit.see("\(Self.accountsPath)/\(id)", Flash(.saved, id))
                } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                    form.note(refusal)
                    return try await visit.pausing(form, word, of: details, status: refusal.problem.status)
                }
            }
        }

        page(&routes, "/accounts/{account_id}/close", for: .listAccounts) { visit in
            let details = try await visit.namedAccount()
            try visit.allow(.closeAccount, in: details.account.id)
            return try await visit.closing(Form(visit.strings), of: details)
        }

        form(&routes, "/accounts/{account_id}/close", for: .listAccounts) { visit, form in
            var form = form
            let details = try await visit.namedAccount()
            let account = details.account
            try visit.allow(.closeAccount, in: account.id)
            if form.text("name") != Text(account.name) { form.note("name", visit.strings("close.invalid_name")) }
            return try await visit.proving(form, again: { try await visit.closing($0, of: details, status: $1) }) {
                caller in
                try await management.closeAccount(caller, account.id, isConfirmed: true)
                return visit.see("\(Self.accountsPath)/\(account.id)", Flash(.ended, account.id))
            }
        }
    }
}

extension Visit {
    /// - Parameter word: `suspend` or `resume`.
    fileprivate func pausing(
        _ form: Form, _ word: String, of details: AccountDetails, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let account = details.account
        let view = Confirmation(
            title: strings("stop.\(word)_title", ["name": account.name]),
            lead: strings("stop.\(word)_lead", ["calls": try await callsThisMonth(of: account)]),
            action: request.uri.path, backPath: "\(Console.accountsPath)/\(account.id)",
            keep: strings("action.cancel"), button: strings("stop.\(word)_button"), isDanger: word == "suspend",
            fields: [], failure: form.failure)
        return try await page("confirmation", view, in: .accounts, status: status)
    }

    /// What goes with the account, its name to be typed, and the password.
    fileprivate func closing(
        _ form: Form, of details: AccountDetails, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let account = details.account
        let everyone = Page(limit: Page.limits.upperBound)
        let people = try await management.listUsers(caller, of: account.id, everyone).items.map(\.email)
        let invited = try await management.listInvitations(caller, to: account.id, everyone).items.map(\.email)
        func fact(_ name: String, _ value: String, _ more: String? = nil) -> KeySheet.Fact {
            KeySheet.Fact(name: strings(name), door: nil, value: value, more: more)
        }
        func names(_ all: [String]) -> String {
            all.isEmpty ? strings("close.nobody") : all.joined(separator: strings("mark.and"))
        }
        let view = KeySheet(
            title: strings("close.title", ["name": account.name]), lead: strings("close.lead"),
            action: request.uri.path, backPath: "\(Console.accountsPath)/\(account.id)", failure: form.failure,
            facts: [
                fact("close.keys", strings("close.all"), try await callsThisMonth(of: account)),
                fact("close.people", names(people)), fact("close.invited", names(invited)),
                fact("close.balance", formats.credits(details.balance.amount), strings("close.balance_help")),
            ],
            hasFacts: true, note: nil, overlaps: [], hasOverlaps: false, overlapFault: nil,
            name: form.field("name", label: strings("application.type_name", ["name": account.name]), hasFocus: true),
            proof: proofFields(form), button: strings("close.button"), isDangerous: true)
        return try await page("key-sheet", view, in: .accounts, status: status)
    }

    /// In words.
    private func callsThisMonth(of account: Account) async throws -> String {
        let calls = try await usage(of: account.id, Month(of: formats.now).days).calls
        return strings.count("accounts.calls", Int(calls), shown: formats.number(Int(calls)))
    }
}
