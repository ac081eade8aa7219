import Accounts
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Secrets
import Values
import Web

extension ManagementAPI {
    func declareUsers(_ routes: inout Routes) {
        on(&routes, .get, "/users/current", needs: .signedIn) { call in .json(call.actor.user.json) }

        on(&routes, .post, "/accounts/{account_id}/invitations", needs: .signedIn) { call in
            let account = try call.identifier("account_id")
            try authorizeManaging(account, call.actor)
            var fields = try await call.fields()
            let email: EmailAddress = try fields.required("email")
            let role: Role = try fields.required("role")
            try fields.noOthers(setByServer: ["id", "account_id", "token", "expires_at", "admin"])
            if role == .root { try authorize(call.actor, .freshSession) }
            let (invitation, token) = try await accounts.invite(
                email, as: role, to: account, for: call.actor.user, by: call.author)
            var json = invitation.json
            json["token"] = .string(token.exposed())
            return .json(.object(json), status: .created)
        }

        on(&routes, .get, "/accounts/{account_id}/invitations", needs: .signedIn, takesQuery: true) { call in
            let account = try call.identifier("account_id")
            try authorize(call.actor, for: account, own: .usersRead, any: .accountsRead)
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            return try await accounts.invitations(to: account, page).json { .object($0.json) }
        }

        on(&routes, .delete, "/accounts/{account_id}/invitations/{invitation_id}", needs: .signedIn) { call in
            let (account, id) = (try call.identifier("account_id"), try call.identifier("invitation_id"))
            try authorizeManaging(account, call.actor)
            try await accounts.withdraw(invitation: id, to: account, by: call.author)
            return Response(status: .noContent)
        }

        on(&routes, .get, "/accounts/{account_id}/users", needs: .signedIn, takesQuery: true) { call in
            let account = try call.identifier("account_id")
            try authorize(call.actor, for: account, own: .usersRead, any: .accountsRead)
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            return try await accounts.users(of: account, page).json(\.json)
        }

        on(&routes, .patch, "/accounts/{account_id}/users/{user_id}", needs: .signedIn) { call in
            let (account, user) = (try call.identifier("account_id"), try call.identifier("user_id"))
            try authorizeManaging(account, call.actor)
            var fields = try await call.fields()
            let role: Role = try fields.required("role")
            try fields.noOthers(setByServer: ["id", "account_id", "email", "admin", "second_factor", "created_at"])
            if role == .root { try authorize(call.actor, .freshSession) }
            return .json(
                try await accounts.setRole(role, of: user, in: account, for: call.actor.user, by: call.author).json)
        }

        on(&routes, .delete, "/accounts/{account_id}/users/{user_id}", needs: .signedIn) { call in
            let (account, user) = (try call.identifier("account_id"), try call.identifier("user_id"))
            try authorizeManaging(account, call.actor)
            try await accounts.remove(user, from: account, for: call.actor.user, by: call.author)
            return Response(status: .noContent)
        }
    }

    /// Lets a person manage the people of an account who has just proved who they are, or a token that has the scope
    /// for it. A root user is made by a person alone: otherwise the one scope of a token would be worth all others.
    private func authorizeManaging(_ account: Identifier, _ actor: Actor) throws(Problem) {
        try authorize(actor, for: account, own: .usersWrite, any: .accountsWrite)
        try checkFresh(actor)
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
