import Catalog
package import Database
import Policy
package import Values

/// Reading. Everything is as of the last commit, and nothing is estimated: what is in memory is exact, and what is not in
/// memory is in the totals and the log behind them.
extension Metering {
    package func balance(of account: Identifier) async throws -> Balance {
        try await loading.begin()
        if let balance = purses.balance(of: account) { return balance }
        return try await database.read { try BalanceTable.balance(of: account, $0) }
    }

    package func balances(of accounts: [Identifier]) async throws -> [Identifier: Balance] {
        try await loading.begin()
        let held = accounts.map { ($0, purses.balance(of: $0)) }
        return try await database.read { connection in
            try Dictionary(
                held.map { ($0, try $1 ?? BalanceTable.balance(of: $0, connection)) }, uniquingKeysWith: { $1 })
        }
    }

    /// What bounds the calls of a key in a month, when it is in memory. Does not wait.
    package func known(_ credential: Identifier, in account: Identifier, _ month: Month) -> KeyCredits? {
        purses.credits(of: credential, in: account, month)
    }

    /// What bounds the calls of a key in a month.
    /// - Parameter credential: a key that the caller has found in this account.
    package func credits(
        of credential: Identifier, in account: Identifier, _ month: Month
    ) async throws -> KeyCredits {
        while true {
            if let known = known(credential, in: account, month) { return known }
            try await loading.load(account, credential, month)
        }
    }

    /// - Parameter credentials: keys that the caller has found in `account`.
    package func meters(
        of credentials: [Identifier], in account: Identifier, _ month: Month
    ) async throws -> [Identifier: KeyMeter] {
        try await loading.begin()
        let known = credentials.map { ($0, purses.meter(of: $0, in: account, month)) }
        return try await database.read { connection in
            try Dictionary(
                known.map { credential, known in
                    let meter = KeyMeter(
                        usage: try known.key ?? KeyUsageTable.usage(of: credential, connection),
                        month: try known.month ?? KeyMonthTable.usage(of: credential, month, connection))
                    return (credential, meter)
                }, uniquingKeysWith: { $1 })
        }
    }

    /// A page may have fewer entries than its limit, even none, and a next one all the same.
    package func entries(_ filter: LedgerFilter, _ page: Page) async throws -> Listing<LedgerEntry> {
        try await database.read { try LedgerPage(filter, page, $0).listing }
    }

    /// The same page with the sums of all that the filter lets through, as of one moment.
    package func entriesWithTotals(
        _ filter: LedgerFilter, _ page: Page
    ) async throws -> (Listing<LedgerEntry>, LedgerTotals) {
        try await database.read { (try LedgerPage(filter, page, $0).listing, try LedgerTotals(filter, $0)) }
    }

    /// How many calls of a key were charged since a time, among the latest ``CallCount/window`` of its account.
    /// - Parameter credential: a key that the caller has found in `account`.
    package func calls(
        of credential: Identifier, in account: Identifier, since time: Timestamp
    ) async throws -> CallCount {
        try await database.read { try CallCount(of: credential, in: account, since: time, $0) }
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
                    guard let wouldBe = price.price.cost(draft).times(row.sum.calls) else {
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
