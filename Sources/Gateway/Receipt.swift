import HTTPTypes
import Metering
import Values

/// What an answer says about its price.
struct Receipt {
    /// What the call costs; nothing when it was not served.
    let cost: Credits
    /// The charge in the ledger; `nil` when there is none.
    let charge: Identifier?
    /// The least that is left of the account's balance, the key's limit and its limit for the month.
    let remaining: Credits

    /// Of a call that is served.
    init(for hold: Hold) {
        cost = hold.cost
        charge = hold.id
        remaining = hold.remaining
    }

    /// Of a call whose hold was given back.
    init(released hold: Hold) {
        cost = .zero
        charge = nil
        remaining = hold.remaining.adding(hold.cost) ?? hold.remaining
    }

    var headers: HTTPFields {
        var headers: HTTPFields = [.latchkeyCost: cost.decimal, .latchkeyRemaining: remaining.decimal]
        headers[.latchkeyCharge] = charge?.description
        return headers
    }

    /// Of a call that was refused before anything was held.
    static let none: HTTPFields = [.latchkeyCost: "0"]
}

extension HTTPField.Name {
    static let latchkeyCost = HTTPField.Name("X-Latchkey-Cost")!
    static let latchkeyCharge = HTTPField.Name("X-Latchkey-Charge")!
    static let latchkeyRemaining = HTTPField.Name("X-Latchkey-Remaining")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed")!
    /// OpenAI's client libraries ask it whether to try again.
    static let shouldRetry = HTTPField.Name("x-should-retry")!
}
