import Accounts
import HTTP
import Hummingbird
import JSON
import Management
import Secrets
import Values
import Web

extension ManagementAPI {
    func declarePlatformTokens(_ routes: inout Routes) {
        on(&routes, .get, "/platform-tokens", for: .listPlatformTokens, takesQuery: true) { call in
            try await management.listPlatformTokens(call.caller, try call.page()).json { .object($0.json) }
        }

        on(&routes, .post, "/platform-tokens", for: .createPlatformToken) { call in
            var fields = try await call.fields()
            let name: DisplayName = try fields.required("name")
            let scopes: [Scope] = try fields.texts("scopes", atMost: Scope.allCases.count) ?? []
            let expiresAt = try fields.time("expires_at")
            try fields.noOthers(setByServer: ["id", "token", "hint", "created_at", "user_id"])
            let (token, secret) = try await management.createPlatformToken(
                call.caller, name: name, scopes: scopes, expiresAt: expiresAt)
            var json = token.json
            json["token"] = .string(secret.exposed())
            return .json(.object(json), status: .created)
        }

        on(&routes, .delete, "/platform-tokens/{platform_token_id}", for: .deletePlatformToken) { call in
            try await management.deletePlatformToken(call.caller, call.identifier("platform_token_id"))
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
