import Accounts
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Secrets
import Values
import Web

extension ManagementAPI {
    func declarePasswords(_ routes: inout Routes) {
        on(&routes, .post, "/users/current/password", needs: .session, isPaced: false) { call in
            var fields = try await call.fields()
            let proof = try fields.proof("current_password")
            let new: Password = try fields.required("new_password")
            try fields.noOthers()
            do {
                let token = try await accounts.changePassword(
                    of: call.actor, try call.session(), proof, to: new, from: call.context.client, by: call.author)
                return Response(status: .noContent, headers: [.setCookie: Self.cookie(token)])
            } catch AccountsError.weakPassword(let rule) {
                throw Problem.invalid("new_password", rule)
            }
        }

        on(&routes, .post, "/accounts/{account_id}/users/{user_id}/password-resets", needs: .freshSession) { call in
            try authorize(call.actor, .scope(.accountsWrite))
            try await call.noFields()
            let (reset, token) = try await accounts.createPasswordReset(
                of: call.identifier("user_id"), in: call.identifier("account_id"), by: call.author)
            return .json(
                [
                    "id": .string(reset.id.description), "user_id": .string(reset.user.description),
                    "token": .string(token.exposed()), "expires_at": .string(reset.expiresAt.rfc3339),
                ], status: .created)
        }

        open(&routes, .post, "/password-resets/accept") { request, context in
            var fields = FieldReader(try await request.jsonObject(limit: Self.openBodyLimit))
            let token: TokenField = try fields.required("token")
            let password: Password = try fields.required("password")
            try fields.noOthers()
            try await accounts.resetPassword(token: token.text, to: password, by: author(of: context))
            return Response(status: .noContent)
        }
    }
}
