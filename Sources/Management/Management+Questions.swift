import Accounts
package import Calls
import Policy
package import Values

/// A call that has not been made, for a key to be asked about.
package struct ImaginedCall: Sendable {
    package var application: Identifier?
    package var model: GivenText?
    package var address: AddressField?
    package var origin: OriginField?
    /// When it would be made; `nil` for now.
    package var time: Timestamp?

    package init(
        application: Identifier?, model: GivenText?, address: AddressField?, origin: OriginField?, time: Timestamp?
    ) {
        self.application = application
        self.model = model
        self.address = address
        self.origin = origin
        self.time = time
    }
}

/// A question of the owner of a service: may this key call my app?
package struct KeyQuestion: Sendable {
    package var key: GivenText
    package var application: Identifier
    package var model: GivenText?
    package var address: AddressField?
    package var origin: OriginField?
    /// Whether the call is charged as well.
    package var isCharged: Bool
    /// The name under which it is charged once.
    package var name: RequestName?

    package init(
        key: GivenText, application: Identifier, model: GivenText?, address: AddressField?, origin: OriginField?,
        isCharged: Bool, name: RequestName?
    ) {
        self.key = key
        self.application = application
        self.model = model
        self.address = address
        self.origin = origin
        self.isCharged = isCharged
        self.name = name
    }
}

/// What would come of a call: for the owner of a key, and for the owner of a service that keys open.
extension Management {
    package func explainCredential(
        _ caller: Caller, _ id: Identifier, _ call: ImaginedCall
    ) async throws(Refusal) -> Explanation {
        try await perform(.explainCredential, caller) { domains, actor in
            let now = domains.clock.now()
            // What was used before now can't be told any more; a minute is for clocks that differ.
            if let time = call.time, time < now.adding(.seconds(-60)) {
                throw Refusal.invalid("time", "must not be in the past")
            }
            let facts = CallFacts(
                addressedApplication: call.application, address: call.address?.address,
                origin: call.origin?.origin ?? .none, time: max(call.time ?? now, now))
            return try await domains.calls.explain(
                id, of: actor.account, facts, model: call.model.map { Text($0.text) })
        }
    }

    package func verifyKey(_ caller: Caller, _ question: KeyQuestion) async throws(Refusal) -> Verification {
        try await perform(.verifyKey, caller) { domains, actor in
            if question.isCharged, question.name == nil {
                throw Refusal.invalid("request_id", "is required to charge")
            }
            if !question.isCharged, question.name != nil {
                throw Refusal.invalid("request_id", "is only allowed with charge: true")
            }
            return try await domains.calls.verify(
                Question(
                    key: question.key.text, application: question.application,
                    model: question.model.map { Text($0.text) },
                    address: question.address?.address, origin: question.origin?.origin ?? .none),
                for: actor.account, charging: question.name?.text, at: domains.clock.now())
        }
    }
}
