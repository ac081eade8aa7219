import Accounts
import Database
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

/// Another role for somebody, or the way out.
extension Console {
    func declareRoles(_ routes: inout Routes) {
        page(&routes, "/members/{user_id}/role", for: .listUsers) { visit in
            try visit.allow(.updateUserToMember)
            return try await visit.roleForm(Form(visit.strings), of: try await visit.person())
        }

        form(&routes, "/members/{user_id}/role", for: .listUsers) { visit, form in
            try visit.allow(.updateUserToMember)
            let user = try await visit.person()
            // What the form showed, also when somebody else changed it meanwhile.
            guard let role = Role(form.text("role")) else { throw Problem.notFound }
            return try await visit.proving(form, again: { try await visit.roleForm($0, of: user, status: $1) }) {
                caller in
                _ = try await management.updateUser(caller, user.id, of: visit.account(), role: role)
                return visit.see("/console/members#user-\(user.id)", Flash(.saved, user.id))
            }
        }

        page(&routes, "/members/{user_id}/remove", for: .listUsers) { visit in
            try visit.allow(.deleteUser)
            return try await visit.removal(Form(visit.strings), of: try await visit.person())
        }

        form(&routes, "/members/{user_id}/remove", for: .listUsers) { visit, form in
            try visit.allow(.deleteUser)
            let user = try await visit.person()
            return try await visit.proving(form, again: { try await visit.removal($0, of: user, status: $1) }) {
                caller in
                try await management.deleteUser(caller, user.id, of: visit.account())
                return visit.see("/console/members", Flash(.deleted))
            }
        }
    }
}

extension Visit {
    /// Whom the address names, of the person's own account.
    fileprivate func person() async throws -> User {
        let id = try identifier("user_id")
        let people = try await management.listUsers(caller, of: account(), Page(limit: Page.limits.upperBound)).items
        guard let user = people.first(where: { $0.id == id }) else { throw Problem.notFound }
        return user
    }

    fileprivate func roleForm(
        _ form: Form, of user: User, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let role = Role(form.text("role")) ?? (user.role == .root ? .member : .root)
        let view = RoleForm(
            title: strings("role.title_\(role.rawValue)", ["email": user.email]),
            lead: strings("role.lead_\(role.rawValue)"), action: request.uri.path, role: role.rawValue,
            button: strings("role.button_\(role.rawValue)"), proof: proofFields(form), failure: form.failure)
        return try await page("role-form", view, in: .members, status: status)
    }

    fileprivate func removal(
        _ form: Form, of user: User, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let view = Confirmation(
            title: strings("remove.title", ["email": user.email]), lead: strings("remove.lead"),
            action: request.uri.path, backPath: "/console/members", keep: strings("action.keep"),
            button: strings("remove.button"), isDanger: true, fields: proofFields(form), failure: form.failure)
        return try await page("confirmation", view, in: .members, status: status)
    }
}

/// The role that somebody is to have.
struct RoleForm: View {
    let title: String
    let lead: String
    let action: String
    let role: String
    let button: String
    let proof: [Field]
    let failure: String?
}
