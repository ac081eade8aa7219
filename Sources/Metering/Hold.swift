package import Catalog
package import Values

/// A call that policy has let through, as far as credits are concerned.
package struct MeteredCall: Sendable {
    package let account: Identifier
    package let credential: Identifier
    package let application: Identifier
    /// The public name.
    package let model: String
    package let cost: Credits
    /// The versions that make the cost what it is.
    let price: Identifier
    let multiplier: Identifier
    /// When it was admitted. Fixes the month and the day that it counts in, whenever it is answered.
    let time: Timestamp
    let idempotency: IdempotencyKey?

    package init(
        account: Identifier, credential: Identifier, application: Identifier, model: String, quote: Quote,
        time: Timestamp, idempotency: IdempotencyKey?
    ) {
        self.init(
            account: account, credential: credential, application: application, model: model, cost: quote.cost,
            price: quote.price.id, multiplier: quote.multiplier.id, time: time, idempotency: idempotency)
    }

    init(
        account: Identifier, credential: Identifier, application: Identifier, model: String, cost: Credits,
        price: Identifier, multiplier: Identifier, time: Timestamp, idempotency: IdempotencyKey?
    ) {
        self.account = account
        self.credential = credential
        self.application = application
        self.model = model
        self.cost = cost
        self.price = price
        self.multiplier = multiplier
        self.time = time
        self.idempotency = idempotency
    }

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
