import Accounts
import HTTP
import Hummingbird
import JSON
import Management
import Secrets
import Values
import Web

/// What can be done with the secret of a key after its creation.
extension ManagementAPI {
    func declareSecrets(_ routes: inout Routes) {
        on(&routes, .post, "/credentials/{credential_id}/reveal", for: .revealCredential) { call in
            let id = try call.identifier("credential_id")
            var fields = try await call.fields()
            let proof = try fields.proof()
            try fields.noOthers()
            let secret = try await management.revealCredential(call.caller, id, proof)
            return .json(["id": .string(id.description), "token": .string(secret.exposed())])
        }

        on(&routes, .post, "/credentials/{credential_id}/rotate", for: .rotateCredential) { call in
            let id = try call.identifier("credential_id")
            var fields = try await call.fields()
            let overlap = try fields.integer("overlap_seconds", in: Management.overlaps)
            try fields.noOthers()
            return .json(try await management.rotateCredential(call.caller, id, overlap: overlap).json)
        }

        on(&routes, .post, "/credentials/{credential_id}/retire", for: .retireCredential) { call in
            let id = try call.identifier("credential_id")
            try await call.noFields()
            return .json(.object(try await management.retireCredential(call.caller, id).json))
        }

        on(&routes, .post, "/leaks", for: nil) { call in
            var fields = try await call.fields()
            let report = LeakReport(
                token: try fields.settable("token"), credential: try fields.settable("credential_id"),
                action: try fields.required("action"), source: try fields.settable("source"))
            try fields.noOthers()
            let (key, secret) = try await management.reportLeak(call.caller, report)
            var json = key.json
            if let secret { json["token"] = .string(secret.exposed()) }
            return .json(.object(json))
        }
    }
}
