import Accounts
import Credentials
import Database
import HTTPTypes
import Hummingbird
import Policy
import Secrets
import Web

extension ManagementAPI {
    func declareCredentials(_ routes: inout Routes) {
        on(&routes, .get, "/credentials", needs: .scope(.credentialsRead)) { call in
            var query = try call.query()
            let application = try query.identifier("application_id")
            let page = try query.page()
            try query.noOthers()
            let now = clock.now()
            return try await credentials.list(of: call.actor.account, application: application, page).json {
                .object($0.json(at: now))
            }
        }

        on(&routes, .post, "/credentials", needs: .scope(.credentialsWrite)) { call in
            var fields = try await call.fields()
            let application: Identifier = try fields.required("application_id")
            let name: OptionalName? = try fields.optional("name")
            let expiresAt = try fields.time("expired_at")
            try fields.unsupported("host", "limited_amount")
            try fields.noOthers(setByServer: Self.credentialServerFields)
            let (credential, secret) = try await credentials.issue(
                CredentialDraft(application: application, name: name ?? .empty, expiresAt: expiresAt),
                by: call.actor.user)
            var json = credential.json(at: credential.createdAt)
            json["token"] = .string(secret.exposed())
            return .json(.object(json), status: .created)
        }

        on(&routes, .get, "/credentials/{credential_id}", needs: .scope(.credentialsRead)) { call in
            let credential = try await credentials.find(call.identifier("credential_id"), of: call.actor.account)
            return .json(.object(credential.json(at: clock.now())))
        }

        on(&routes, .delete, "/credentials/{credential_id}", needs: .scope(.credentialsDelete)) { call in
            try await credentials.delete(call.identifier("credential_id"), of: call.actor.account)
            return Response(status: .noContent)
        }
    }

    private static let credentialServerFields: Set<String> = [
        "id", "user_id", "account_id", "type", "token", "username", "password", "used_amount", "created_at",
        "updated_at",
        "status", "hint",
    ]
}

extension Credential {
    /// The fields of the Ace document (seed 004) in their order, then ours. The secret is not among them: the answer to
    /// the creation alone adds it. Nothing is metered in this release, so no limit can be set and nothing has been used.
    fileprivate func json(at now: Timestamp) -> JSONObject {
        [
            "id": .string(id.description), "user_id": .string(creator.description),
            "application_id": .string(application.description), "type": "Token", "username": nil, "password": nil,
            "host": nil, "limited_amount": nil, "used_amount": 0, "expired_at": JSON(expiresAt?.rfc3339),
            "created_at": .string(createdAt.rfc3339), "updated_at": .string(updatedAt.rfc3339), "name": .string(name),
            "hint": .string(hint), "status": expiresAt.isExpired(at: now) ? "expired" : "active",
        ]
    }
}
