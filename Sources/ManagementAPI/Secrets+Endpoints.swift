import Accounts
import Credentials
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Secrets
import Values
import Web

/// What can be done with the secret of a key after its creation.
extension ManagementAPI {
    func declareSecrets(_ routes: inout Routes) {
        on(&routes, .post, "/credentials/{credential_id}/reveal", needs: .session) { call in
            try authorize(call.actor, .scope(.credentialsWrite))
            let id = try call.identifier("credential_id")
            var fields = try await call.fields()
            let proof = try fields.proof()
            try fields.noOthers()
            let secret = try await credentials.reveal(
                id, by: call.actor, try call.session(), proof, from: call.context.client, call.author)
            return .json(["id": .string(id.description), "token": .string(secret.exposed())])
        }

        on(&routes, .post, "/credentials/{credential_id}/rotate", needs: .fresh(.credentialsRotate)) { call in
            let id = try call.identifier("credential_id")
            var fields = try await call.fields()
            let longest = Int(Credentials.longestOverlap.components.seconds)
            guard let overlap = try fields.integer("overlap_seconds", in: 0...longest) else {
                throw Problem.invalid(
                    "overlap_seconds", "is required: how long the old secret goes on working, 0 for not at all")
            }
            try fields.noOthers()
            let (credential, secret) = try await credentials.rotate(
                id, of: call.actor.account, overlap: .seconds(overlap), by: call.author)
            return try await answer(credential, secret)
        }

        on(&routes, .post, "/credentials/{credential_id}/retire", needs: .fresh(.credentialsRotate)) { call in
            let id = try call.identifier("credential_id")
            try await call.noFields()
            return try await answer(credentials.retire(id, of: call.actor.account, by: call.author))
        }

        on(&routes, .post, "/leaks", needs: .signedIn) { call in
            var fields = try await call.fields()
            let token: TokenField? = try fields.settable("token")
            let id: Identifier? = try fields.settable("credential_id")
            let action: LeakAction = try fields.required("action")
            let source: OptionalName? = try fields.settable("source")
            try refuseKey(in: source, "source")
            try fields.noOthers()
            try authorize(call.actor, action == .disable ? .scope(.credentialsWrite) : .fresh(.credentialsRotate))
            let found = try await leaked(token, id, of: call.actor.account)
            guard action == .rotate else {
                return try await answer(
                    credentials.disable(
                        leaked: found, of: call.actor.account, source: source ?? .empty, by: call.author))
            }
            let (credential, secret) = try await credentials.rotate(
                found, of: call.actor.account, overlap: .zero, leak: source ?? .empty, by: call.author)
            return try await answer(credential, secret)
        }
    }

    private func leaked(_ token: TokenField?, _ id: Identifier?, of account: Identifier) async throws -> Identifier {
        switch (token, id) {
        case (let token?, nil): try await credentials.find(leaked: token.text, of: account).id
        case (nil, let id?): id
        case (nil, nil): throw Problem.invalid("token", "is required, or credential_id")
        case (_?, _?): throw Problem.invalid("credential_id", "can't be sent together with token")
        }
    }
}

/// What to do with a key that has leaked.
private enum LeakAction: String, FieldText {
    static let rule = "must be disable or rotate"

    case disable
    case rotate

    init?(_ text: String) { self.init(rawValue: text) }
}
