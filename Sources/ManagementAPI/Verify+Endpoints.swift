import Calls
import HTTP
import Hummingbird
import JSON
import Management
import Policy
import Values
import Web

/// What would come of a call: for the owner of a key, and for the owner of a service that keys open.
extension ManagementAPI {
    func declareVerify(_ routes: inout Routes) {
        on(&routes, .post, "/credentials/{credential_id}/explain", for: .explainCredential) { call in
            let id = try call.identifier("credential_id")
            var fields = try await call.fields()
            let imagined = ImaginedCall(
                application: try fields.optional("application_id"), model: try fields.optional("model"),
                address: try fields.optional("address"), origin: try fields.optional("origin"),
                time: try fields.time("time"))
            try fields.noOthers()
            return .json(try await management.explainCredential(call.caller, id, imagined).json)
        }

        on(&routes, .post, "/verify", for: .verifyKey) { call in
            var fields = try await call.fields()
            let question = KeyQuestion(
                key: try fields.required("key"), application: try fields.required("application_id"),
                model: try fields.optional("model"), address: try fields.optional("address"),
                origin: try fields.optional("origin"), isCharged: try fields.flag("charge") ?? false,
                name: try fields.optional("request_id"))
            try fields.noOthers()
            return .json(try await management.verifyKey(call.caller, question).json)
        }
    }
}

extension Explanation {
    fileprivate var json: JSON {
        [
            "allowed": .bool(verdict == nil), "code": JSON(verdict?.rawValue), "model": JSON(model),
            "cost": cost.map { JSON($0) } ?? .null, "remaining": remaining.map { JSON($0) } ?? .null,
            "steps": .array(steps.map(\.json)),
        ]
    }
}

extension Explanation.Step {
    fileprivate var json: JSON {
        let (word, denial): (String, Denial?) =
            switch outcome {
            case .passed: ("passed", nil)
            case .denied(let denial): ("denied", denial)
            case .skipped: ("skipped", nil)
            }
        return [
            "step": .string(name), "outcome": .string(word), "code": JSON(denial?.rawValue),
            "detail": JSON(denial?.problem.detail),
        ]
    }
}

extension Verification {
    fileprivate var json: JSON {
        let problem = denial?.problem
        return [
            "allowed": .bool(denial == nil), "code": JSON(denial?.rawValue), "detail": JSON(problem?.detail),
            "status": JSON(Int64(problem?.status.code ?? 200)), "credential_id": JSON(credential),
            "model": JSON(model), "cost": cost.map { JSON($0) } ?? .null,
            "remaining": remaining.map { JSON($0) } ?? .null, "charged": .bool(charge != nil),
            "charge_id": JSON(charge),
        ]
    }
}
