import Catalog
package import Database
package import Values

/// Reading. Everything is what the last commit says; nothing is estimated and nothing lags.
extension Metering {
    package func balance(of account: Identifier) async throws -> Balance {
        try await database.read { try BalanceTable.balance(of: account, $0) }
    }

    package func balances(of accounts: [Identifier]) async throws -> [Identifier: Balance] {
        try await database.read { connection in
            try Dictionary(
                accounts.map { ($0, try BalanceTable.balance(of: $0, connection)) }, uniquingKeysWith: { $1 })
        }
    }

    /// What bounds the calls of a key in a month.
    /// - Parameter credential: a key that the caller has found in this account.
    package func credits(
        of credential: Identifier, in account: Identifier, _ month: Month
    ) async throws -> KeyCredits {
        try await database.read { connection in
            KeyCredits(
                balance: try BalanceTable.balance(of: account, connection),
                meter: try KeyMeter(of: credential, month, connection))
        }
    }

    /// - Parameter credentials: keys that the caller has found in their account.
    package func meters(of credentials: [Identifier], in month: Month) async throws -> [Identifier: KeyMeter] {
        try await database.read { connection in
            try Dictionary(
                credentials.map { ($0, try KeyMeter(of: $0, month, connection)) }, uniquingKeysWith: { $1 })
        }
    }

    /// A page may have fewer entries than its limit, even none, and a next one all the same.
    package func entries(_ filter: LedgerFilter, _ page: Page) async throws -> Listing<LedgerEntry> {
        try await database.read { try LedgerTable.page(filter, page, $0) }
    }

    package func report(_ request: UsageRequest) async throws -> [UsageLine] {
        let lines = try await database.read { try UsageDayTable.report(request, $0) }
        guard lines.count <= UsageRequest.limit else { throw MeteringError.tooManyRows(limit: UsageRequest.limit) }
        return lines
    }

    /// What the charges of a group would have been under another multiplier. Changes nothing.
    /// - Parameter days: so many UTC days up to and with today.
    package func preview(group: String, _ draft: Multiplier, days: ClosedRange<Day>) async throws -> PricingPreview {
        try await database.read { connection in
            var accounts: [Identifier: PricingPreview.Sum] = [:]
            for version in try Catalog.multiplierIDs(of: group, in: connection) {
                for row in try UsageDayTable.priced(with: version, days, connection) {
                    guard let price = try Catalog.price(row.price, in: connection) else {
                        throw DatabaseFailure.malformedRow(column: "price_id")
                    }
                    guard let wouldBe = price.cost(draft).times(row.sum.calls) else {
                        throw MeteringError.balanceTooLarge
                    }
                    let sum = PricingPreview.Sum(calls: row.sum.calls, charged: row.sum.charged, wouldBe: wouldBe)
                    accounts[row.account] = try (accounts[row.account] ?? PricingPreview.Sum()).adding(sum)
                }
            }
            return PricingPreview(
                total: try accounts.values.reduce(PricingPreview.Sum()) { try $0.adding($1) },
                accounts: accounts.sorted { ($1.value.charged, $0.key) < ($0.value.charged, $1.key) }
                    .prefix(PricingPreview.limit).map { ($0.key, $0.value) })
        }
    }
}

extension KeyMeter {
    fileprivate init(of credential: Identifier, _ month: Month, _ connection: Connection) throws {
        self.init(
            usage: try KeyUsageTable.usage(of: credential, connection),
            month: try KeyMonthTable.usage(of: credential, month, connection))
    }
}
