import Catalog
import Database
import Values

/// One page of the ledger, the newest entries first: grants and adjustments, charges by the index of the account, and those
/// that are not folded yet.
struct LedgerPage {
    /// Under a filter by key, a page looks through so many charges at most: one that hardly anything passes would otherwise
    /// read a ledger of millions.
    static let window = 10_000

    let listing: Listing<LedgerEntry>

    private static let charge = """
        charges.id, \(ChargeTable.time) AS created_at, charges.amount, charge_subjects.account_id,
          charge_subjects.credential_id, charge_subjects.application_id, charge_subjects.model,
          charge_subjects.price_id, charge_subjects.multiplier_id
        """

    init(_ filter: LedgerFilter, _ page: Page, _ connection: Connection) throws {
        let bound = page.after?.numberBound ?? .max
        var end: Int64?
        var entries: [LedgerEntry] = []
        // A key has charges alone.
        if filter.kind != .charge, filter.credential == nil {
            entries += try Self.corrections(filter, before: bound, page.fetch, connection)
        }
        if filter.kind == nil || filter.kind == .charge {
            if filter.credential != nil { end = try Self.endOfWindow(filter, before: bound, connection) }
            entries += try Self.charges(filter, from: end ?? 0, before: bound, page.fetch, connection)
            entries += try Self.unfolded(filter, from: end ?? 0, before: bound, page.fetch, connection)
        }
        let fetched = entries.sorted { $0.id > $1.id }.prefix(page.fetch)
        let listing = Listing(try Self.priced(Array(fetched), connection), page, id: \.id)
        self.listing =
            listing.next == nil ? Listing(listing.items, next: end.map { Identifier(number: $0) }) : listing
    }

    /// Where the window of a page ends, when there is one and more behind it.
    private static func endOfWindow(
        _ filter: LedgerFilter, before bound: Int64, _ connection: Connection
    ) throws -> Int64? {
        try connection.row(
            """
            SELECT id FROM charge_index WHERE account = (SELECT number FROM balances WHERE account_id = $1) AND id < $2
            ORDER BY id DESC LIMIT 1 OFFSET $3
            """, filter.account, bound, window - 1
        )?.integer("id")
    }

    private static func corrections(
        _ filter: LedgerFilter, before bound: Int64, _ limit: Int, _ connection: Connection
    ) throws -> [LedgerEntry] {
        try connection.rows(
            """
            SELECT * FROM ledger WHERE account_id = $1 AND id < $2 AND ($3 = '' OR kind = $3) ORDER BY id DESC LIMIT $4
            """, filter.account, bound, filter.kind?.rawValue ?? "", limit
        ).map { row in
            guard let kind = LedgerEntry.Kind(rawValue: try row.text("kind")) else {
                throw DatabaseFailure.malformedRow(column: "kind")
            }
            return LedgerEntry(
                id: Identifier(number: try row.integer("id")), account: try row.identifier("account_id"), kind: kind,
                amount: try row.credits("amount"), reason: try row.optionalText("reason"),
                actor: try row.optionalIdentifier("actor_id"), createdAt: try row.time("created_at"))
        }
    }

    private static func charges(
        _ filter: LedgerFilter, from end: Int64, before bound: Int64, _ limit: Int, _ connection: Connection
    ) throws -> [LedgerEntry] {
        try connection.rows(
            """
            SELECT \(charge) FROM charge_index JOIN charges ON charges.n = charge_index.n
              JOIN charge_subjects ON charge_subjects.id = charges.subject
            WHERE charge_index.account = (SELECT number FROM balances WHERE account_id = $1)
              AND charge_index.id < $2 AND charge_index.id >= $3 AND ($4 = '' OR charge_subjects.credential_id = $4)
            ORDER BY charge_index.id DESC LIMIT $5
            """, filter.account, bound, end, filter.credential?.description ?? "", limit
        ).map(entry)
    }

    private static func unfolded(
        _ filter: LedgerFilter, from end: Int64, before bound: Int64, _ limit: Int, _ connection: Connection
    ) throws -> [LedgerEntry] {
        try connection.rows(
            """
            SELECT \(charge) FROM charges JOIN charge_subjects ON charge_subjects.id = charges.subject
            WHERE \(ChargeTable.isUnfolded) AND charge_subjects.account_id = $1
              AND charges.id < $2 AND charges.id >= $3 AND ($4 = '' OR charge_subjects.credential_id = $4)
            ORDER BY charges.id DESC LIMIT $5
            """, filter.account, bound, end, filter.credential?.description ?? "", limit
        ).map(entry)
    }

    private static func entry(_ row: Row) throws -> LedgerEntry {
        LedgerEntry(
            id: Identifier(number: try row.integer("id")), account: try row.identifier("account_id"), kind: .charge,
            amount: try row.credits("amount"), call: LedgerEntry.Call(subject: try CallSubject(row)),
            createdAt: try row.time("created_at"))
    }

    /// A page has many charges and few prices.
    private static func priced(_ entries: [LedgerEntry], _ connection: Connection) throws -> [LedgerEntry] {
        var prices: [Identifier: Price] = [:]
        var multipliers: [Identifier: MultiplierVersion] = [:]
        return try entries.map { entry in
            guard var call = entry.call else { return entry }
            let (price, multiplier) = (call.subject.priceVersion, call.subject.multiplierVersion)
            prices[price] = try prices[price] ?? Catalog.price(price, in: connection)
            multipliers[multiplier] = try multipliers[multiplier] ?? Catalog.multiplier(multiplier, in: connection)
            call.price = prices[price]
            call.group = multipliers[multiplier]?.group
            call.multiplier = multipliers[multiplier]?.multiplier
            var priced = entry
            priced.call = call
            return priced
        }
    }
}
