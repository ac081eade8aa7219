import Accounts
import Hummingbird
import JSON
import Management
import Secrets
import Values
import Web

extension ManagementAPI {
    func declareUsers(_ routes: inout Routes) {
        on(&routes, .get, "/users/current", for: .getCurrentUser) { call in
            .json(try await management.getCurrentUser(call.caller).json)
        }

        on(&routes, .post, "/accounts/{account_id}/invitations", for: .createInvitation) { call in
            let account = try call.identifier("account_id")
            var fields = try await call.fields()
            let email: EmailAddress = try fields.required("email")
            let role: Role = try fields.required("role")
            try fields.noOthers(setByServer: ["id", "account_id", "token", "expires_at", "admin"])
            let (invitation, token) = try await management.createInvitation(
                call.caller, to: account, email, as: role)
            var json = invitation.json
            json["token"] = .string(token.exposed())
            return .json(.object(json), status: .created)
        }

        on(&routes, .get, "/accounts/{account_id}/invitations", for: .listInvitations, takesQuery: true) { call in
            let page = try call.page()
            return try await management.listInvitations(call.caller, to: call.identifier("account_id"), page)
                .json { .object($0.json) }
        }

        on(&routes, .delete, "/accounts/{account_id}/invitations/{invitation_id}", for: .deleteInvitation) { call in
            try await management.deleteInvitation(
                call.caller, call.identifier("invitation_id"), to: call.identifier("account_id"))
            return Response(status: .noContent)
        }

        on(&routes, .get, "/accounts/{account_id}/users", for: .listUsers, takesQuery: true) { call in
            let page = try call.page()
            return try await management.listUsers(call.caller, of: call.identifier("account_id"), page).json(\.json)
        }

        on(&routes, .patch, "/accounts/{account_id}/users/{user_id}", for: .updateUserToMember) { call in
            let (account, user) = (try call.identifier("account_id"), try call.identifier("user_id"))
            var fields = try await call.fields()
            let role: Role = try fields.required("role")
            try fields.noOthers(setByServer: ["id", "account_id", "email", "admin", "second_factor", "created_at"])
            return .json(try await management.updateUser(call.caller, user, of: account, role: role).json)
        }

        on(&routes, .delete, "/accounts/{account_id}/users/{user_id}", for: .deleteUser) { call in
            try await management.deleteUser(
                call.caller, call.identifier("user_id"), of: call.identifier("account_id"))
            return Response(status: .noContent)
        }
    }
}

extension Invitation {
    fileprivate var json: JSONObject {
        [
            "id": .string(id.description), "account_id": .string(account.description), "email": .string(email),
            "role": .string(role.rawValue), "expires_at": .string(expiresAt.rfc3339),
        ]
    }
}

extension User {
    var json: JSON {
        [
            "id": .string(id.description), "account_id": .string(account.description), "email": .string(email),
            "role": .string(role.rawValue), "admin": .bool(isAdmin), "second_factor": .bool(hasSecondFactor),
            "created_at": .string(createdAt.rfc3339),
        ]
    }
}
