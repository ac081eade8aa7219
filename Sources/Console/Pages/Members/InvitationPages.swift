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

/// Whom to invite, and as what.
struct InvitationForm: View {
    struct RoleChoice: View {
        let value: String
        let name: String
        let may: String
        let isChosen: Bool
    }

    let action: String
    let backPath: String
    let email: Field
    let roles: [RoleChoice]
    let roleFault: String?
    let proof: [Field]
    let failure: String?
}

extension Console {
    func declareInvitations(_ routes: inout Routes) {
        for (root, operation) in PeoplePlace.roots { declareInvitations(&routes, root, for: operation) }
    }

    private func declareInvitations(_ routes: inout Routes, _ root: String, for operation: Operation) {
        page(&routes, root + "/invite", for: operation) { visit in
            let place = try visit.peoplePlace()
            try visit.allow(.createInvitation, in: place.account)
            return try await visit.invitationForm(Form(visit.strings), to: place)
        }

        form(&routes, root + "/invite", for: operation) { visit, form in
            let place = try visit.peoplePlace()
            try visit.allow(.createInvitation, in: place.account)
            var form = form
            let email: EmailAddress? = form.required("email")
            let role: Role? = form.required("role")
            return try await visit.proving(form, again: { try await visit.invitationForm($0, to: place, status: $1) }) {
                caller in
                guard let email, let role else { throw Problem.notFound }
                let (invitation, token) = try await management.createInvitation(
                    caller, to: place.account, email, as: role)
                return try await visit.invited(invitation, token, to: place)
            }
        }

        page(&routes, root + "/invitations/{invitation_id}/withdraw", for: operation) { visit in
            let place = try visit.peoplePlace()
            try visit.allow(.deleteInvitation, in: place.account)
            return try await visit.withdrawal(Form(visit.strings), of: place)
        }

        form(&routes, root + "/invitations/{invitation_id}/withdraw", for: operation) { visit, form in
            let place = try visit.peoplePlace()
            try visit.allow(.deleteInvitation, in: place.account)
            return try await visit.proving(form, again: { try await visit.withdrawal($0, of: place, status: $1) }) {
                caller in
                try await management.deleteInvitation(
                    caller, try visit.identifier("invitation_id"), to: place.account)
                return visit.see(place.list, Flash(.deleted))
            }
        }
    }
}

extension Visit {
    fileprivate func invitationForm(
        _ form: Form, to place: PeoplePlace, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        // Operators let in the first one, who lets in the others.
        let usual: Role = place.isForOperators ? .root : .member
        let chosen = form.has("role") ? form.text("role") : Text(usual.rawValue)
        let view = InvitationForm(
            action: request.uri.path, backPath: place.list,
            email: form.field(
                "email", label: strings("field.email"), help: strings("invite.email_help"), type: "email",
                hasFocus: true),
            roles: [Role.member, .root].map { role in
                InvitationForm.RoleChoice(
                    value: role.rawValue, name: strings("role.\(role.rawValue)"),
                    may: strings("role.\(role.rawValue)_may"), isChosen: Text(role.rawValue) == chosen)
            },
            roleFault: form.faults["role"], proof: proofFields(form), failure: form.failure)
        return try await page("invitation-form", view, in: place.entry, status: status)
    }

    /// The only answer that has the token.
    fileprivate func invited(
        _ invitation: Invitation, _ token: Secret, to place: PeoplePlace
    ) async throws -> Response {
        let view = ShownOnce(
            title: strings("invite.done", ["email": invitation.email]),
            lead: strings("invite.done_lead", ["until": formats.exact(invitation.expiresAt)]),
            secret: SecretBox(token, id: "invitation"),
            help: strings.rich(
                "invite.done_help", ["address": (request.head.authority ?? "") + "/console/invitation"]),
            donePath: place.list)
        return try await page("shown-once", view, in: place.entry)
    }

    fileprivate func withdrawal(
        _ form: Form, of place: PeoplePlace, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let id = try identifier("invitation_id")
        let open = try await management.listInvitations(
            caller, to: place.account, Page(limit: Page.limits.upperBound)
        ).items
        guard let invitation = open.first(where: { $0.id == id }) else { throw Problem.notFound }
        let view = Confirmation(
            title: strings("withdraw.title", ["email": invitation.email]), lead: strings("withdraw.lead"),
            action: request.uri.path, backPath: place.list, keep: strings("action.keep"),
            button: strings("members.withdraw"), isDanger: true, fields: proofFields(form), failure: form.failure)
        return try await page("confirmation", view, in: place.entry, status: status)
    }
}
