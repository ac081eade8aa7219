import Accounts
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Secrets
import Values
import Web

extension ManagementAPI {
    func declarePlatformTokens(_ routes: inout Routes) {
        on(&routes, .get, "/platform-tokens", needs: .scope(.tokensRead), takesQuery: true) { call in
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            return try await accounts.tokens(of: call.actor.user.id, page).json { .object($0.json) }
        }

        on(&routes, .post, "/platform-tokens", needs: .freshSession) { call in
            var fields = try await call.fields()
            let name: DisplayName = try fields.required("name")
            guard let scopes: [Scope] = try fields.texts("scopes", atMost: Scope.allCases.count), !scopes.isEmpty else {
                throw Problem.invalid("scopes", "must be an array of at least one scope")
            }
            let expiresAt = try fields.time("expires_at")
            try fields.noOthers(setByServer: ["id", "token", "hint", "created_at", "user_id"])
            let (token, secret) = try await accounts.issueToken(
                name: name, scopes: scopes, expiresAt: expiresAt, for: call.actor.user, by: call.author)
            var json = token.json
            json["token"] = .string(secret.exposed())
            return .json(.object(json), status: .created)
        }

        on(&routes, .delete, "/platform-tokens/{platform_token_id}", needs: .session) { call in
            try await accounts.deleteToken(
                call.identifier("platform_token_id"), of: call.actor.user, by: call.author)
            return Response(status: .noContent)
        }
    }
}

extension PlatformToken {
    fileprivate var json: JSONObject {
        [
            "id": .string(id.description), "name": .string(name),
            "scopes": .array(scopes.map { .string($0.rawValue) }), "expires_at": JSON(expiresAt?.rfc3339),
            "created_at": .string(createdAt.rfc3339), "hint": .string(hint),
        ]
    }
}
