import Catalog
package import Database
package import Policy

/// What has been used of a key: the numbers beside its limits.
package struct KeyMeter: Sendable {
    package var usage: Usage
    /// In the month that was asked for.
    package var month: Usage

    package init(usage: Usage = Usage(), month: Usage = Usage()) {
        self.usage = usage
        self.month = month
    }
}

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

    /// - Parameter credentials: keys that the caller has found in their account.
    package func meters(of credentials: [Identifier], in month: Month) async throws -> [Identifier: KeyMeter] {
        try await database.read { connection in
            try Dictionary(
                credentials.map { id in
                    (
                        id,
                        KeyMeter(
                            usage: try KeyUsageTable.usage(of: id, connection),
                            month: try KeyMonthTable.usage(of: id, month, connection))
                    )
                }, uniquingKeysWith: { $1 })
        }
    }

    /// A page may have fewer entries than its limit, even none, and a next one all the same.
    package func entries(_ filter: LedgerFilter, _ page: Page) async throws -> Listing<LedgerEntry> {
        try await database.read { connection in
            let found = try LedgerTable.page(filter, page, connection)
            let listing = Listing(found, page, id: \.id)
            if listing.next != nil { return listing }
            return Listing(found, next: try LedgerTable.endOfWindow(filter, page, connection))
        }
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

/// Which entries of the ledger are asked for.
package struct LedgerFilter: Sendable {
    package var account: Identifier
    package var kind: LedgerEntry.Kind?
    package var credential: Identifier?

    package init(account: Identifier, kind: LedgerEntry.Kind? = nil, credential: Identifier? = nil) {
        self.account = account
        self.kind = kind
        self.credential = credential
    }
}

/// What a report on usage is asked for.
package struct UsageRequest: Sendable {
    /// The most lines that are answered.
    package static let limit = 10_000

    /// What a report can tell apart.
    package enum Dimension: String, Sendable, CaseIterable {
        case day, credential, application, model
    }

    package var account: Identifier
    package var days: ClosedRange<Day>
    package var by: [Dimension]
    package var credential: Identifier?
    package var application: Identifier?
    package var model: String?

    package init(account: Identifier, days: ClosedRange<Day>, by: [Dimension]) {
        self.account = account
        self.days = days
        self.by = by
    }
}

/// One line of a report; what it was not asked to tell apart is `nil`.
package struct UsageLine: Sendable {
    package var day: Day?
    package var credential: Identifier?
    package var application: Identifier?
    package var model: String?
    package var calls: Int64
    package var amount: Credits
}

/// A report: what was charged, and what it would have been.
package struct PricingPreview: Sendable {
    /// The most accounts that are listed, those with the greatest charge first.
    package static let limit = 100

    package struct Sum: Sendable {
        package var calls: Int64 = 0
        package var charged = Credits.zero
        package var wouldBe = Credits.zero

        func adding(_ other: Sum) throws -> Sum {
            guard let charged = charged.adding(other.charged), let wouldBe = wouldBe.adding(other.wouldBe) else {
                throw MeteringError.balanceTooLarge
            }
            return Sum(calls: calls + other.calls, charged: charged, wouldBe: wouldBe)
        }
    }

    package let total: Sum
    package let accounts: [(account: Identifier, sum: Sum)]
}
