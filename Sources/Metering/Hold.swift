package import Catalog
package import Values

/// A call that policy has let through, as far as credits are concerned.
package struct MeteredCall: Sendable {
    package let subject: CallSubject
    package let cost: Credits
    /// When it was admitted. Fixes the month and the day that it counts in, whenever it is answered.
    let time: Timestamp
    let idempotency: IdempotencyKey?

    package init(
        account: Identifier, credential: Identifier, application: Identifier, model: String, quote: Quote,
        time: Timestamp, idempotency: IdempotencyKey?
    ) {
        self.init(
            CallSubject(
                account: account, credential: credential, application: application, model: model,
                priceVersion: quote.price.id, multiplierVersion: quote.multiplier.id),
            cost: quote.cost, time: time, idempotency: idempotency)
    }

    init(_ subject: CallSubject, cost: Credits, time: Timestamp, idempotency: IdempotencyKey?) {
        self.subject = subject
        self.cost = cost
        self.time = time
        self.idempotency = idempotency
    }

    package var account: Identifier { subject.account }
    package var credential: Identifier { subject.credential }
    var month: Month { Month(of: time) }
    var day: Day { Day(of: time) }
}

/// Credits set aside for one call under way.
package struct Hold: Sendable {
    /// The entry of the ledger; callers know it as the charge of their call.
    package let id: Identifier
    package let call: MeteredCall
    /// The least that is left of the account's balance, the key's limit and its limit for the month, with this call held.
    package let remaining: Credits

    package var cost: Credits { call.cost }
    /// Whether the call came with an idempotency key.
    package var isRepeatable: Bool { call.idempotency != nil }
}

/// What comes of asking for a hold.
package enum HoldOutcome: Sendable {
    /// The call may go to the upstream.
    case held(Hold)
    /// The call was answered before; this is the answer.
    case answered(StoredAnswer)
}
