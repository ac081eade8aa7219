import Accounts
import Entrance
import Hummingbird
import JSON
import Management
import Secrets
import Values
import Web

extension ManagementAPI {
    func declarePasswords(_ routes: inout Routes) {
        on(&routes, .post, "/users/current/password", for: .changePassword) { call in
            var fields = try await call.fields()
            let proof = try fields.proof("current_password")
            let new: Password = try fields.required("new_password")
            try fields.noOthers()
            let token = try await management.changePassword(call.caller, proof, to: new)
            return Response(status: .noContent, headers: [.setCookie: SessionCookie.setting(token)])
        }

        on(
            &routes, .post, "/accounts/{account_id}/users/{user_id}/password-resets", for: .createPasswordReset
        ) { call in
            try await call.noFields()
            let (reset, token) = try await management.createPasswordReset(
                call.caller, of: call.identifier("user_id"), in: call.identifier("account_id"))
            return .json(
                [
                    "id": .string(reset.id.description), "user_id": .string(reset.user.description),
                    "token": .string(token.exposed()), "expires_at": .string(reset.expiresAt.rfc3339),
                ], status: .created)
        }

        open(&routes, .post, "/password-resets/accept") { call in
            var fields = try await call.fields()
            let token: GivenText = try fields.required("token")
            let password: Password = try fields.required("password")
            try fields.noOthers()
            try await management.acceptPasswordReset(call.caller, token: token, password: password)
            return Response(status: .noContent)
        }
    }
}
