package import Catalog
package import Values

/// A call that policy has let through, as far as credits are concerned.
package struct MeteredCall: Sendable {
    package let subject: CallSubject
    /// The most that it may cost: so much is held.
    package let cost: Credits
    /// Of the key, for its whole life, as of the facts that the call was decided by.
    package let keyLimit: Credits?
    /// Of the key, for each month.
    package let monthlyLimit: Credits?
    /// When it was admitted. Fixes the month and the day that it counts in, whenever it is answered.
    package let time: Timestamp
    let month: Month
    let idempotency: IdempotencyKey?
    /// The right to be the one call with its idempotency key; ``Metering/prepare(_:)`` gives it.
    let claim: Claim?

    package init(
        account: Identifier, credential: Identifier, application: Identifier, model: String, quote: Quote,
        keyLimit: Credits?, monthlyLimit: Credits?, time: Timestamp, idempotency: IdempotencyKey?
    ) {
        self.init(
            CallSubject(
                account: account, credential: credential, application: application, model: model,
                priceVersion: quote.price.id, multiplierVersion: quote.multiplier.id),
            cost: quote.cost, keyLimit: keyLimit, monthlyLimit: monthlyLimit, time: time, idempotency: idempotency)
    }

    init(
        _ subject: CallSubject, cost: Credits, keyLimit: Credits? = nil, monthlyLimit: Credits? = nil, time: Timestamp,
        idempotency: IdempotencyKey?, claim: Claim? = nil
    ) {
        self.subject = subject
        self.cost = cost
        self.keyLimit = keyLimit
        self.monthlyLimit = monthlyLimit
        self.time = time
        month = Month(of: time)
        self.idempotency = idempotency
        self.claim = claim
    }

    package var account: Identifier { subject.account }
    package var credential: Identifier { subject.credential }
    var day: Day { Day(of: time) }

    func claimed(by claim: Claim) -> MeteredCall {
        MeteredCall(
            subject, cost: cost, keyLimit: keyLimit, monthlyLimit: monthlyLimit, time: time, idempotency: idempotency,
            claim: claim)
    }
}
