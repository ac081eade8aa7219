package import Catalog
package import Values

/// One entry of the ledger. It never changes.
package struct LedgerEntry: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Credits given to the account.
        case grant
        /// A correction by an admin, up or down.
        case adjustment
        /// The price of a served call.
        case charge
    }

    /// The call of a charge, with what explains its amount: the price times the multiplier, rounded up to a micro-credit.
    package struct Call: Sendable {
        package let subject: CallSubject
        package var price: PriceVersion?
        /// With its group.
        package var multiplier: MultiplierVersion?
    }

    package var id: Identifier
    package var account: Identifier
    package var kind: Kind
    /// A grant or an adjustment changes the balance by it, and a charge lowers it by it.
    package var amount: Credits
    package var call: Call?
    package var reason: String?
    /// Who made a grant or an adjustment.
    package var actor: Identifier?
    /// Of a charge, when its call was admitted.
    package var createdAt: Timestamp
}

extension LedgerEntry.Kind: FieldText {
    package static let rule = "must be one of " + allCases.map(\.rawValue).joined(separator: ", ")

    package init?(_ text: String) { self.init(rawValue: text) }
}
