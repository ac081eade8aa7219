import Accounts
import HTTPTypes
import Hummingbird
import JSON
import Secrets
import Web

extension ManagementAPI {
    func declareSecondFactor(_ routes: inout Routes) {
        on(&routes, .post, "/users/current/totp", needs: .freshSession) { call in
            try await call.noFields()
            let totp = try await accounts.beginSecondFactor(of: call.actor.user)
            return .json(
                [
                    "secret": .string(totp.base32),
                    "uri": .string(totp.uri(issuer: "Latchkey", account: call.actor.user.email)),
                ], status: .created)
        }

        on(&routes, .post, "/users/current/totp/confirmation", needs: .freshSession) { call in
            var fields = try await call.fields()
            let code: SecondFactorCode = try fields.required("code")
            try fields.noOthers()
            let codes = try await accounts.confirmSecondFactor(
                of: call.actor.user, try call.session(), code, by: call.author)
            return .json(Self.json(codes))
        }

        on(&routes, .delete, "/users/current/totp", needs: .freshSession) { call in
            try await accounts.removeSecondFactor(
                of: call.actor.user.id, in: call.actor.account, by: call.author)
            return Response(status: .noContent)
        }

        on(&routes, .post, "/users/current/recovery-codes", needs: .freshSession) { call in
            try await call.noFields()
            let codes = try await accounts.renewRecoveryCodes(of: call.actor.user, by: call.author)
            return .json(Self.json(codes), status: .created)
        }

        on(&routes, .delete, "/accounts/{account_id}/users/{user_id}/second-factor", needs: .freshSession) { call in
            try authorize(call.actor, .scope(.accountsWrite))
            try await accounts.removeSecondFactor(
                of: call.identifier("user_id"), in: call.identifier("account_id"), by: call.author)
            return Response(status: .noContent)
        }
    }

    private static func json(_ codes: [Secret]) -> JSON {
        ["recovery_codes": .array(codes.map { .string($0.exposed()) })]
    }
}
