import Accounts
import Admission
import Catalog
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Metering
import Policy
import Values
import Web

/// What would come of a call: for the owner of a key, and for the owner of a service that keys open.
extension ManagementAPI {
    func declareVerify(_ routes: inout Routes) {
        on(
            &routes, .post, "/credentials/{credential_id}/explain", needs: .scope(.credentialsRead), isPaced: false
        ) { call in
            let id = try call.identifier("credential_id")
            var fields = try await call.fields()
            let model: ModelField? = try fields.optional("model")
            let address: AddressField? = try fields.optional("address")
            let origin: OriginField? = try fields.optional("origin")
            let application: Identifier? = try fields.optional("application_id")
            let time = try fields.time("time")
            try fields.noOthers()
            let now = clock.now()
            // What was used before now can't be told any more; a minute is for clocks that differ.
            if let time, time < now.adding(.seconds(-60)) { throw Problem.invalid("time", "must not be in the past") }
            let facts = CallFacts(
                addressedApplication: application, address: address?.address, origin: origin?.origin ?? .none,
                time: max(time ?? now, now))
            return .json(
                try await admission.explain(id, of: call.actor.account, facts, model: model?.text).json)
        }

        on(&routes, .post, "/verify", needs: .scope(.credentialsVerify), isPaced: false) { call in
            var fields = try await call.fields()
            let key: TokenField = try fields.required("key")
            let application: Identifier = try fields.required("application_id")
            let model: ModelField? = try fields.optional("model")
            let address: AddressField? = try fields.optional("address")
            let origin: OriginField? = try fields.optional("origin")
            let isCharged = try fields.flag("charge") ?? false
            let request: RequestID? = try fields.optional("request_id")
            try fields.noOthers()
            if isCharged, request == nil { throw Problem.invalid("request_id", "is required to charge") }
            if !isCharged, request != nil { throw Problem.invalid("request_id", "goes with charge: true") }
            let question = Question(
                key: key.text, application: application, model: model?.text, address: address?.address,
                origin: origin?.origin ?? .none)
            do {
                let verification = try await admission.verify(
                    question, for: call.actor.account, charging: request?.text, at: clock.now())
                return .json(verification.json)
            } catch let refusal as IdempotencyRefusal {
                throw Self.problem(refusal)
            }
        }
    }
}

extension ManagementAPI {
    /// What the gateway says of its `Idempotency-Key`, said of the `request_id`.
    private static func problem(_ refusal: IdempotencyRefusal) -> Problem {
        switch refusal {
        case .inFlight:
            Problem(
                .conflict, "idempotency_in_flight",
                "A question with this request_id is still being answered; ask again."
            ).with(.retryAfter, "1")
        case .otherBody:
            Problem(
                .unprocessableContent, "idempotency_key_reused",
                "This request_id was used with this key for another question; choose another one.")
        case .notReplayable:
            Problem(
                .conflict, "idempotency_not_replayable",
                "This question was answered and charged, but the answer was not kept. It is not charged again.")
        }
    }
}

/// What a caller named as the model. Whether there is one of that name is for the answer to say.
private struct ModelField: FieldText {
    static let rule = "must be a string of 1 to 512 characters"
    let text: String

    init?(_ text: String) {
        guard (1...512).contains(text.utf8.count) else { return nil }
        self.text = text
    }
}

/// An address in a field.
private struct AddressField: FieldText {
    static let rule = "must be an IPv4 or IPv6 address"
    let address: IPAddress

    init?(_ text: String) {
        guard let address = IPAddress(text) else { return nil }
        self.address = address
    }
}

/// What an `Origin` header said.
private struct OriginField: FieldText {
    static let rule = "must be the value of an Origin header, of at most 512 characters"
    let origin: WebOrigin

    init?(_ text: String) {
        guard (1...512).contains(text.utf8.count) else { return nil }
        origin = WebOrigin(header: text)
    }
}

/// The name under which a call is charged once.
private struct RequestID: FieldText {
    static let rule = "must be 1 to 255 printable ASCII characters"
    let text: String

    init?(_ text: String) {
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return nil
        }
        self.text = text
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
