import Catalog
import Database
import Values

extension LedgerTable {
    /// Under a filter, a page looks through so many entries at most: one that hardly anything passes would otherwise read
    /// a ledger of millions.
    static let window = 10_000

    /// Where the window of a page ends, when there is one and more behind it.
    private static func endOfWindow(
        _ filter: LedgerFilter, _ page: Page, _ connection: Connection
    ) throws -> Identifier? {
        if filter.kind == nil, filter.credential == nil { return nil }
        return try connection.row(
            """
            SELECT id FROM ledger WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT 1 OFFSET $3
            """, filter.account, page.bound, window - 1
        )?.identifier("id")
    }

    /// The newest first. What a charge or a void was for stands in its hold, which is joined to it.
    static func page(
        _ filter: LedgerFilter, _ page: Page, _ connection: Connection
    ) throws -> Listing<LedgerEntry> {
        let end = try endOfWindow(filter, page, connection)
        let rows = try connection.rows(
            """
            SELECT entry.account_id, entry.id, entry.kind, entry.amount, entry.hold_id, entry.reason, entry.actor_id,
              entry.created_at, hold.credential_id, hold.application_id, hold.model, hold.price_id, hold.multiplier_id
            FROM ledger AS entry LEFT JOIN ledger AS hold ON hold.account_id = entry.account_id
              AND hold.id = CASE WHEN entry.kind = 'hold' THEN entry.id ELSE entry.hold_id END
            WHERE entry.account_id = $1 AND entry.id < $2 AND entry.id >= $6 AND ($3 = '' OR entry.kind = $3)
              AND ($4 = '' OR hold.credential_id = $4)
            ORDER BY entry.id DESC LIMIT $5
            """, filter.account, page.bound, filter.kind?.rawValue ?? "", filter.credential?.description ?? "",
            page.fetch, end?.description ?? "")
        // A page has many charges and few prices.
        var prices: [Identifier: Price] = [:]
        var multipliers: [Identifier: MultiplierVersion] = [:]
        let entries = try rows.map { row in
            var entry = try LedgerEntry(row)
            if var call = entry.call {
                let (price, multiplier) = (call.subject.priceVersion, call.subject.multiplierVersion)
                prices[price] = try prices[price] ?? Catalog.price(price, in: connection)
                multipliers[multiplier] =
                    try multipliers[multiplier] ?? Catalog.multiplier(multiplier, in: connection)
                call.price = prices[price]
                call.group = multipliers[multiplier]?.group
                call.multiplier = multipliers[multiplier]?.multiplier
                entry.call = call
            }
            return entry
        }
        let listing = Listing(entries, page, id: \.id)
        return listing.next == nil ? Listing(entries, next: end) : listing
    }
}

extension LedgerEntry {
    fileprivate init(_ row: Row) throws {
        guard let kind = Kind(rawValue: try row.text("kind")) else {
            throw DatabaseFailure.malformedRow(column: "kind")
        }
        let isOfCall = try row.optionalIdentifier("credential_id") != nil
        self.init(
            id: try row.identifier("id"), account: try row.identifier("account_id"), kind: kind,
            amount: try row.credits("amount"), hold: try row.optionalIdentifier("hold_id"),
            call: isOfCall ? Call(subject: try CallSubject(row)) : nil,
            reason: try row.optionalText("reason"), actor: try row.optionalIdentifier("actor_id"),
            createdAt: try row.time("created_at"))
    }
}
