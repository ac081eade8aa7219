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
        for (root, operation) in PeoplePlace.roots { declareRoles(&routes, root, for: operation) }
    }

    private func declareRoles(_ routes: inout Routes, _ root: String, for operation: Operation) {
        page(&routes, root + "/{user_id}/role", for: operation) { visit in
            let place = try visit.peoplePlace()
            try visit.allow(.updateUserToMember, in: place.account)
            return try await visit.roleForm(Form(visit.strings), of: try await visit.person(), at: place)
        }

        form(&routes, root + "/{user_id}/role", for: operation) { visit, form in
            let place = try visit.peoplePlace()
            try visit.allow(.updateUserToMember, in: place.account)
            let user = try await visit.person()
            // What the form showed, also when somebody else changed it meanwhile.
            guard let role = Role(form.text("role")) else { throw Problem.notFound }
            return try await visit.proving(
                form, again: { try await visit.roleForm($0, of: user, at: place, status: $1) }
            ) { caller in
                _ = try await management.updateUser(caller, user.id, of: place.account, role: role)
                return visit.see(place.list + "#user-\(user.id)", Flash(.saved, user.id))
            }
        }

        page(&routes, root + "/{user_id}/remove", for: operation) { visit in
            let place = try visit.peoplePlace()
            try visit.allow(.deleteUser, in: place.account)
            return try await visit.removal(Form(visit.strings), of: try await visit.person(), at: place)
        }

        form(&routes, root + "/{user_id}/remove", for: operation) { visit, form in
            let place = try visit.peoplePlace()
            try visit.allow(.deleteUser, in: place.account)
            let user = try await visit.person()
            return try await visit.proving(
                form, again: { try await visit.removal($0, of: user, at: place, status: $1) }
            ) { caller in
                try await management.deleteUser(caller, user.id, of: place.account)
                return visit.see(place.list, Flash(.deleted))
            }
        }
    }
}

extension Visit {
    /// Whom the address names, of the account that it is about.
    func person() async throws -> User {
        let id = try identifier("user_id")
        let everyone = Page(limit: Page.limits.upperBound)
        let people = try await management.listUsers(caller, of: peoplePlace().account, everyone).items
        guard let user = people.first(where: { $0.id == id }) else { throw Problem.notFound }
        return user
    }

    fileprivate func roleForm(
        _ form: Form, of user: User, at place: PeoplePlace, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let role = Role(form.text("role")) ?? (user.role == .root ? .member : .root)
        let view = RoleForm(
            title: strings("role.title_\(role.rawValue)", ["email": user.email]),
            lead: strings("role.lead_\(role.rawValue)"), action: request.uri.path, backPath: place.list,
            role: role.rawValue, button: strings("role.button_\(role.rawValue)"), proof: proofFields(form),
            failure: form.failure)
        return try await page("role-form", view, in: place.entry, status: status)
    }

    fileprivate func removal(
        _ form: Form, of user: User, at place: PeoplePlace, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let view = Confirmation(
            title: strings("remove.title", ["email": user.email]), lead: strings("remove.lead"),
            action: request.uri.path, backPath: place.list, keep: strings("action.keep"),
            button: strings("remove.button"), isDanger: true, fields: proofFields(form), failure: form.failure)
        return try await page("confirmation", view, in: place.entry, status: status)
    }
}

/// The role that somebody is to have.
struct RoleForm: View {
    let title: String
    let lead: String
    let action: String
    let backPath: String
    let role: String
    let button: String
    let proof: [Field]
    let failure: String?
}
