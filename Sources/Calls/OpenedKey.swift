package import Accounts
package import Catalog
package import Metering
package import Policy
package import Values

package import struct Applications.Application

/// A genuine, live key with all that its calls are decided by. Nothing is decided yet.
package struct OpenedKey: Sendable {
    let snapshot: KeySnapshot
    /// The moment that its call is decided for.
    package let time: Timestamp

    init(_ snapshot: KeySnapshot, at time: Timestamp) {
        self.snapshot = snapshot
        self.time = time
    }

    package var credential: Identifier { snapshot.credential }
    package var account: Account { snapshot.account }
    package var application: Application { snapshot.application }
    package var terms: KeyTerms { snapshot.facts.terms }
    /// The pricing group of its calls.
    package var group: String { account.group(chosen: terms.group) }
    /// The models that the key may name, in the app's order.
    package var models: [PricedModel] { snapshot.models }
    /// From before its facts were read.
    package var stamp: Generations.Stamp { snapshot.stamp }
    var facts: KeyFacts { snapshot.facts }

    /// Every check that needs no body.
    /// - Parameters:
    ///   - addressed: the app that the address names; `nil` when the key alone selects the app.
    ///   - address: where the call comes from; `nil` when that can't be known.
    ///   - evenSuspended: for who only asks how things stand, which a suspended account may.
    package func admit(
        to addressed: Identifier?, from address: IPAddress?, on origin: WebOrigin, evenSuspended: Bool = false
    ) throws(Denial) -> AdmittedCall {
        let call = CallFacts(addressedApplication: addressed, address: address, origin: origin, time: time)
        var account = account.facts
        if evenSuspended { account.isSuspended = false }
        if let denial = Policy.admit(call, key: facts, account: account) { throw denial }
        return AdmittedCall(key: self, facts: call)
    }
}

/// A call that policy has let through as far as can be told without its body.
package struct AdmittedCall: Sendable {
    package let key: OpenedKey
    let facts: CallFacts

    fileprivate init(key: OpenedKey, facts: CallFacts) {
        self.key = key
        self.facts = facts
    }

    /// Which model the call goes to, from memory; `nil` when the key may use none of that name: then
    /// ``Calls/decide(_:model:)`` tells why.
    /// - Parameter name: as the caller names it; `nil` for the app's own.
    package func decide(model name: Text?) -> DecidedCall? {
        key.snapshot.model(named: name).map { DecidedCall(key: key, model: $0) }
    }
}

/// A call with nothing left to decide but whether its credits fit.
package struct DecidedCall: Sendable {
    package let key: OpenedKey
    package let model: PricedModel

    fileprivate init(key: OpenedKey, model: PricedModel) {
        self.key = key
        self.model = model
    }

    package var route: ModelRoute { model.route }
    package var quote: Quote { model.quote }

    /// As it is held and charged.
    package func metered(_ idempotency: IdempotencyKey?) -> MeteredCall {
        MeteredCall(
            account: key.account.id, credential: key.credential, application: key.application.id,
            model: route.name, quote: quote, keyLimit: key.terms.creditLimit, monthlyLimit: key.terms.monthlyLimit,
            time: key.time, idempotency: idempotency)
    }
}
