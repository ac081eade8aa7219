import HTTPTypes
import Metering
import Values
import Wire

/// What an answer says about its price.
struct Receipt {
    /// What the call costs; nothing when it was not served.
    let cost: Credits
    /// The charge in the ledger, when there is one.
    let charge: Identifier
    /// The least that is left of the account's balance, the key's limit and its limit for the month.
    let remaining: Credits

    /// Of a call that is served.
    init(for hold: Hold) {
        cost = hold.cost
        charge = hold.id
        remaining = hold.remaining
    }

    init(cost: Credits, charge: Identifier, remaining: Credits) {
        self.cost = cost
        self.charge = charge
        self.remaining = remaining
    }

    /// Of a call whose hold was given back.
    static func voided(_ hold: Hold) -> HTTPFields {
        let remaining = hold.remaining.adding(hold.cost) ?? hold.remaining
        return [.latchkeyCost: "0", .latchkeyRemaining: remaining.decimal]
    }

    /// Of a call that was refused before anything was held.
    static let none: HTTPFields = [.latchkeyCost: "0"]
}

extension HeadWriter {
    mutating func receipt(_ receipt: Receipt) throws(UnwritableField) {
        try field("X-Latchkey-Cost", text: receipt.cost.decimal)
        try field("X-Latchkey-Charge", text: receipt.charge.description)
        try field("X-Latchkey-Remaining", text: receipt.remaining.decimal)
    }
}

extension HTTPField.Name {
    static let latchkeyCost = HTTPField.Name("X-Latchkey-Cost")!
    static let latchkeyCharge = HTTPField.Name("X-Latchkey-Charge")!
    static let latchkeyRemaining = HTTPField.Name("X-Latchkey-Remaining")!
    /// OpenAI's client libraries ask it whether to try again.
    static let shouldRetry = HTTPField.Name("x-should-retry")!
}
