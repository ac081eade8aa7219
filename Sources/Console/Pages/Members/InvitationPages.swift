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

    let email: Field
    let roles: [RoleChoice]
    let roleFault: String?
    let proof: [Field]
    let failure: String?
}

extension Console {
    func declareInvitations(_ routes: inout Routes) {
        page(&routes, "/members/invite", for: .listUsers) { visit in
            try visit.allow(.createInvitation)
            return try await visit.invitationForm(Form(visit.strings))
        }

        form(&routes, "/members/invite", for: .listUsers) { visit, form in
            try visit.allow(.createInvitation)
            var form = form
            let email: EmailAddress? = form.required("email")
            let role: Role? = form.required("role")
            return try await visit.proving(form, again: { try await visit.invitationForm($0, status: $1) }) { caller in
                guard let email, let role else { throw Problem.notFound }
                let (invitation, token) = try await management.createInvitation(
                    caller, to: visit.account(), email, as: role)
                return try await visit.invited(invitation, token)
            }
        }

        page(&routes, "/members/invitations/{invitation_id}/withdraw", for: .listUsers) { visit in
            try visit.allow(.deleteInvitation)
            return try await visit.withdrawal(Form(visit.strings))
        }

        form(&routes, "/members/invitations/{invitation_id}/withdraw", for: .listUsers) { visit, form in
            try visit.allow(.deleteInvitation)
            return try await visit.proving(form, again: { try await visit.withdrawal($0, status: $1) }) { caller in
                try await management.deleteInvitation(
                    caller, try visit.identifier("invitation_id"), to: visit.account())
                return visit.see("/console/members", Flash(.deleted))
            }
        }
    }
}

extension Visit {
    fileprivate func invitationForm(_ form: Form, status: HTTPResponse.Status = .ok) async throws -> Response {
        let chosen = form.has("role") ? form.text("role") : Text(Role.member.rawValue)
        let view = InvitationForm(
            email: form.field(
                "email", label: strings("field.email"), help: strings("invite.email_help"), type: "email",
                hasFocus: true),
            roles: [Role.member, .root].map { role in
                InvitationForm.RoleChoice(
                    value: role.rawValue, name: strings("role.\(role.rawValue)"),
                    may: strings("role.\(role.rawValue)_may"), isChosen: Text(role.rawValue) == chosen)
            },
            roleFault: form.faults["role"], proof: proofFields(form), failure: form.failure)
        return try await page("invitation-form", view, in: .members, status: status)
    }

    /// The only answer that has the token.
    fileprivate func invited(_ invitation: Invitation, _ token: Secret) async throws -> Response {
        let view = ShownOnce(
            title: strings("invite.done", ["email": invitation.email]),
            lead: strings("invite.done_lead", ["until": formats.exact(invitation.expiresAt)]),
            secret: SecretBox(token, id: "invitation"),
            help: strings.rich(
                "invite.done_help", ["address": (request.head.authority ?? "") + "/console/invitation"]),
            donePath: "/console/members")
        return try await page("shown-once", view, in: .members)
    }

    fileprivate func withdrawal(_ form: Form, status: HTTPResponse.Status = .ok) async throws -> Response {
        let id = try identifier("invitation_id")
        let open = try await management.listInvitations(caller, to: account(), Page(limit: Page.limits.upperBound))
            .items
        guard let invitation = open.first(where: { $0.id == id }) else { throw Problem.notFound }
        let view = Confirmation(
            title: strings("withdraw.title", ["email": invitation.email]), lead: strings("withdraw.lead"),
            action: request.uri.path, backPath: "/console/members", keep: strings("action.keep"),
            button: strings("members.withdraw"), isDanger: true, fields: proofFields(form), failure: form.failure)
        return try await page("confirmation", view, in: .members, status: status)
    }
}
