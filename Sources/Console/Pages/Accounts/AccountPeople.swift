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

/// The people of an account that an operator looks at, and who is invited.
struct AccountPeople: View {
    struct Person: View {
        let row: MembersPage.Row
        /// `nil` for who can be made root by the account's own root users alone.
        let changePath: String?
        let resetPath: String
        /// `nil` for who has no second factor.
        let factorPath: String?
    }

    let people: [Person]
    let hasPeople: Bool
    let invited: [MembersPage.Invited]
    let hasInvited: Bool
    /// Who lets others in.
    let help: String
    /// `nil` where that is for the account's own root users.
    let invitePath: String?
}

extension Console {
    func declareAccountPeople(_ routes: inout Routes) {
        page(&routes, "/accounts/{account_id}/members/{user_id}/password-reset", for: .listAccounts) { visit in
            try await visit.resetForm(Form(visit.strings), of: try await visit.person())
        }

        form(&routes, "/accounts/{account_id}/members/{user_id}/password-reset", for: .listAccounts) { visit, form in
            let user = try await visit.person()
            return try await visit.proving(form, again: { try await visit.resetForm($0, of: user, status: $1) }) {
                caller in
                let (reset, token) = try await management.createPasswordReset(caller, of: user.id, in: user.account)
                return try await visit.made(reset, token, for: user)
            }
        }

        page(&routes, "/accounts/{account_id}/members/{user_id}/second-factor", for: .listAccounts) { visit in
            try await visit.factorRemoval(Form(visit.strings), of: try await visit.person())
        }

        form(&routes, "/accounts/{account_id}/members/{user_id}/second-factor", for: .listAccounts) { visit, form in
            let user = try await visit.person()
            return try await visit.proving(form, again: { try await visit.factorRemoval($0, of: user, status: $1) }) {
                caller in
                try await management.deleteUserSecondFactor(caller, of: user.id, in: user.account)
                return visit.see(
                    "\(Self.accountsPath)/\(user.account)#user-\(user.id)", Flash(.saved, user.id))
            }
        }
    }
}

extension Visit {
    func people(of details: AccountDetails) async throws -> AccountPeople {
        let place = PeoplePlace(of: details.account.id)
        // An account has a hundred people and open invitations at most.
        let everyone = Page(limit: Page.limits.upperBound)
        let people = try await management.listUsers(caller, of: place.account, everyone).items
        let invited = try await management.listInvitations(caller, to: place.account, everyone).items
        let isOpen = details.account.closedAt == nil
        // Whom the operation would refuse is not led to its form; it asks for itself.
        let isOperators = place.account == caller.actor?.account || !people.contains { $0.role == .root }
        let help = !isOpen ? "accounts.people_gone" : isOperators ? "accounts.people_help" : "accounts.people_own"
        return AccountPeople(
            people: people.map { user in
                let path = "\(place.base)/\(user.id)"
                return AccountPeople.Person(
                    row: row(user, at: place, mayWrite: true),
                    changePath: user.role == .root || isOperators ? path + "/role" : nil,
                    resetPath: path + "/password-reset",
                    factorPath: user.hasSecondFactor ? path + "/second-factor" : nil)
            },
            hasPeople: !people.isEmpty,
            invited: invited.map { row($0, at: place, mayWrite: isOpen) }, hasInvited: !invited.isEmpty,
            help: strings(help), invitePath: isOpen && isOperators ? place.base + "/invite" : nil)
    }

    fileprivate func resetForm(
        _ form: Form, of user: User, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let view = SmallForm(
            title: strings("reset_of.title", ["email": user.email]), lead: strings("reset_of.lead"),
            action: request.uri.path, button: strings("reset_of.button"), tone: "primary",
            backPath: "\(Console.accountsPath)/\(user.account)", fields: proofFields(form), failure: form.failure)
        return try await page("small-form", view, in: .accounts, status: status)
    }

    /// The only answer that has the token.
    fileprivate func made(_ reset: PasswordReset, _ token: Secret, for user: User) async throws -> Response {
        let view = ShownOnce(
            title: strings("reset_of.done", ["email": user.email]),
            lead: strings("invite.done_lead", ["until": formats.exact(reset.expiresAt)]),
            secret: SecretBox(token, id: "reset"),
            help: strings.rich("invite.done_help", ["address": (request.head.authority ?? "") + "/console/reset"]),
            donePath: "\(Console.accountsPath)/\(user.account)#user-\(user.id)")
        return try await page("shown-once", view, in: .accounts)
    }

    fileprivate func factorRemoval(
        _ form: Form, of user: User, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let view = Confirmation(
            title: strings("factor_of.title", ["email": user.email]), lead: strings("factor_of.lead"),
            action: request.uri.path, backPath: "\(Console.accountsPath)/\(user.account)",
            keep: strings("action.keep"), button: strings("account.factor_remove_button"), isDanger: true,
            fields: proofFields(form), failure: form.failure)
        return try await page("confirmation", view, in: .accounts, status: status)
    }
}
