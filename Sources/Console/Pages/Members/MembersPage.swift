import Accounts
import Database
import Hummingbird
import Management
import Values
import Web

/// The people of the account, who is invited, and the person's own platform tokens.
struct MembersPage: View {
    struct Row: View {
        let id: String
        let email: String
        let isSelf: Bool
        let isNew: Bool
        let role: String
        let mayDo: String
        let hasSecondFactor: Bool
        let since: Moment
        let rolePath: String
        let removePath: String
        let mayWrite: Bool
    }

    struct Invited: View {
        let id: String
        let email: String
        let isNew: Bool
        let role: String
        let until: Moment
        let withdrawPath: String
        let mayWrite: Bool
    }

    struct Token: View {
        let id: String
        let name: String
        let hint: String
        let scopes: String
        let created: Moment
        let until: Moment?
        let isExpired: Bool
        let isNew: Bool
        let revokePath: String
    }

    let lead: String
    let mayWrite: Bool
    /// What is for root users only, said to who is none.
    let note: Note?
    let people: [Row]
    let invited: [Invited]
    let hasInvited: Bool
    let tokens: [Token]
    let hasTokens: Bool
    /// Where the rest of the tokens is.
    let nextPath: String?
}

extension Console {
    func declareMembers(_ routes: inout Routes) {
        page(&routes, "/members", for: .listUsers) { visit in
            try await visit.page("members", try await visit.members(), in: .members)
        }
        declareInvitations(&routes)
        declareRoles(&routes)
    }
}

extension Visit {
    fileprivate func members() async throws -> MembersPage {
        let place = try peoplePlace()
        // An account has a hundred people and open invitations at most.
        let everyone = Page(limit: Page.limits.upperBound)
        let people = try await management.listUsers(caller, of: place.account, everyone).items
        let invited = try await management.listInvitations(caller, to: place.account, everyone).items
        let tokens = try await management.listPlatformTokens(
            caller, Page(limit: Page.limits.upperBound, after: query("after").flatMap { Identifier($0) }))
        let mayWrite = mayProved(.createInvitation)
        let marked = Flash(request.headers)?.id
        return MembersPage(
            lead: strings.count("members.lead", people.count, shown: formats.number(people.count)), mayWrite: mayWrite,
            note: mayWrite ? nil : Note(.off, strings.rich("members.root_only", ["roots": roots(people)])),
            people: people.map { row($0, at: place, mayWrite: mayWrite) },
            invited: invited.map { row($0, at: place, mayWrite: mayWrite) }, hasInvited: !invited.isEmpty,
            tokens: tokens.items.map { row($0, isNew: $0.id == marked) }, hasTokens: !tokens.items.isEmpty,
            nextPath: tokens.next.map { "/console/members?after=\($0)#tokens" })
    }

    /// Whom to ask.
    private func roots(_ people: [User]) -> String {
        people.filter { $0.role == .root }.prefix(3).map(\.email).joined(separator: strings("mark.and"))
    }

    func row(_ user: User, at place: PeoplePlace, mayWrite: Bool) -> MembersPage.Row {
        MembersPage.Row(
            id: "user-\(user.id)", email: user.email, isSelf: user.id == caller.actor?.user.id,
            isNew: user.id == Flash(request.headers)?.id,
            role: strings(user.isAdmin ? "role.admin" : "role.\(user.role.rawValue)"),
            mayDo: strings("role.\(user.role.rawValue)_may"), hasSecondFactor: user.hasSecondFactor,
            since: formats.moment(user.createdAt), rolePath: place.base + "/\(user.id)/role",
            removePath: place.base + "/\(user.id)/remove", mayWrite: mayWrite)
    }

    func row(_ invitation: Invitation, at place: PeoplePlace, mayWrite: Bool) -> MembersPage.Invited {
        MembersPage.Invited(
            id: "invitation-\(invitation.id)", email: invitation.email,
            isNew: invitation.id == Flash(request.headers)?.id,
            role: strings("role.\(invitation.role.rawValue)"), until: formats.exactly(invitation.expiresAt),
            withdrawPath: place.base + "/invitations/\(invitation.id)/withdraw", mayWrite: mayWrite)
    }

    private func row(_ token: PlatformToken, isNew: Bool) -> MembersPage.Token {
        MembersPage.Token(
            id: "token-\(token.id)", name: token.name, hint: token.hint,
            scopes: token.scopes.map(\.rawValue).joined(separator: ", "), created: formats.moment(token.createdAt),
            until: token.expiresAt.map(formats.exactly), isExpired: token.expiresAt.isExpired(at: formats.now),
            isNew: isNew, revokePath: "/console/tokens/\(token.id)/revoke")
    }
}
