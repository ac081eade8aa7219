import Database
package import Values

/// What a call was, as everything that is written about it tells: whose, of what, and by which versions it is priced.
package struct CallSubject: Sendable, Hashable {
    package let account: Identifier
    package let credential: Identifier
    package let application: Identifier
    /// The public name.
    package let model: String
    package let priceVersion: Identifier
    package let multiplierVersion: Identifier

    init(
        account: Identifier, credential: Identifier, application: Identifier, model: String, priceVersion: Identifier,
        multiplierVersion: Identifier
    ) {
        self.account = account
        self.credential = credential
        self.application = application
        self.model = model
        self.priceVersion = priceVersion
        self.multiplierVersion = multiplierVersion
    }

    /// As the ledger and the days of usage name it.
    init(_ row: Row) throws {
        self.init(
            account: try row.identifier("account_id"), credential: try row.identifier("credential_id"),
            application: try row.identifier("application_id"), model: try row.text("model"),
            priceVersion: try row.identifier("price_id"), multiplierVersion: try row.identifier("multiplier_id"))
    }
}
