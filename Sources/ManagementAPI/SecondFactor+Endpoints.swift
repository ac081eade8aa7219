import Accounts
import Hummingbird
import JSON
import Management
import Secrets
import Values
import Web

extension ManagementAPI {
    func declareSecondFactor(_ routes: inout Routes) {
        on(&routes, .post, "/users/current/totp", for: .beginTotp) { call in
            try await call.noFields()
            let (totp, user) = try await management.beginTotp(call.caller)
            return .json(
                [
                    "secret": .string(totp.base32),
                    "uri": .string(totp.uri(issuer: "Latchkey", account: user.email)),
                ], status: .created)
        }

        on(&routes, .post, "/users/current/totp/confirmation", for: .confirmTotp) { call in
            var fields = try await call.fields()
            let code: SecondFactorCode = try fields.required("code")
            try fields.noOthers()
            return .json(Self.json(try await management.confirmTotp(call.caller, code)))
        }

        on(&routes, .delete, "/users/current/totp", for: .deleteTotp) { call in
            try await management.deleteTotp(call.caller)
            return Response(status: .noContent)
        }

        on(&routes, .post, "/users/current/recovery-codes", for: .createRecoveryCodes) { call in
            try await call.noFields()
            return .json(Self.json(try await management.createRecoveryCodes(call.caller)), status: .created)
        }

        on(
            &routes, .delete, "/accounts/{account_id}/users/{user_id}/second-factor", for: .deleteUserSecondFactor
        ) { call in
            try await management.deleteUserSecondFactor(
                call.caller, of: call.identifier("user_id"), in: call.identifier("account_id"))
            return Response(status: .noContent)
        }
    }

    private static func json(_ codes: [Secret]) -> JSON {
        ["recovery_codes": .array(codes.map { .string($0.exposed()) })]
    }
}
