import Accounts
import Database
import HTTPTypes
import Hummingbird
import Policy
import Secrets
import Web

extension ManagementAPI {
    func declareAccounts(_ routes: inout Routes) {
        on(&routes, .get, "/accounts", needs: .scope(.accountsRead)) { call in
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            return try await accounts.list(page).json(\.json)
        }

        on(&routes, .post, "/accounts", needs: .scope(.accountsWrite)) { call in
            var fields = try await call.fields()
            let name: DisplayName = try fields.required("name")
            let cap = try Self.cap(&fields)
            try fields.noOthers(setByServer: Self.accountServerFields)
            return .json(try await accounts.create(name: name, cap: cap ?? .standard).json, status: .created)
        }

        on(&routes, .get, "/accounts/{account_id}", needs: .signedIn) { call in
            let id = try call.identifier("account_id")
            // Somebody else's account is, to a tenant, an absent one.
            if id != call.actor.account, !call.actor.scopes.contains(.accountsRead) { throw Problem.notFound }
            return .json(try await accounts.account(id).json)
        }

        on(&routes, .patch, "/accounts/{account_id}", needs: .scope(.accountsWrite)) { call in
            let id = try call.identifier("account_id")
            var fields = try await call.fields()
            let name: DisplayName? = try fields.settable("name")
            let cap = try Self.cap(&fields)
            try fields.noOthers(setByServer: Self.accountServerFields)
            return .json(try await accounts.edit(id, name: name, cap: cap).json)
        }

        on(&routes, .post, "/accounts/{account_id}/invitations", needs: .scope(.accountsWrite)) { call in
            let id = try call.identifier("account_id")
            var fields = try await call.fields()
            let email: EmailAddress = try fields.required("email")
            try fields.noOthers()
            let (invitation, token) = try await accounts.invite(email, to: id)
            return .json(
                [
                    "id": .string(invitation.id.description), "account_id": .string(invitation.account.description),
                    "email": .string(invitation.email), "token": .string(token.exposed()),
                    "expires_at": .string(invitation.expiresAt.rfc3339),
                ], status: .created)
        }
    }

    private static let accountServerFields: Set<String> = ["id", "created_at", "updated_at"]

    private static func cap(_ fields: inout FieldReader) throws -> CredentialCap? {
        try fields.integer("credential_cap", in: CredentialCap.range).flatMap { CredentialCap($0) }
    }
}

extension Account {
    fileprivate var json: JSON {
        [
            "id": .string(id.description), "name": .string(name),
            "credential_cap": .number(JSONNumber(Int64(cap.value))),
            "created_at": .string(createdAt.rfc3339), "updated_at": .string(updatedAt.rfc3339),
        ]
    }
}
