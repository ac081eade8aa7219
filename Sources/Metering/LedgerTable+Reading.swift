import Catalog
import Database
import Policy

extension LedgerTable {
    /// The newest first, out of so many entries at most: a filter that hardly anything passes would otherwise read a
    /// ledger of millions for one page.
    static let window = 10_000

    /// Where the window of a page ends, when there is more behind it.
    static func endOfWindow(_ filter: LedgerFilter, _ page: Page, _ connection: Connection) throws -> Identifier? {
        try connection.row(
            """
            SELECT id FROM ledger WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT 1 OFFSET $3
            """, filter.account, page.bound, window - 1
        )?.identifier("id")
    }

    /// What a charge or a void was for stands in its hold, which is joined to it.
    static func page(_ filter: LedgerFilter, _ page: Page, _ connection: Connection) throws -> [LedgerEntry] {
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
        return try rows.map { row in
            var entry = try LedgerEntry(row)
            if var call = entry.call {
                prices[call.priceVersion] =
                    try prices[call.priceVersion] ?? Catalog.price(call.priceVersion, in: connection)
                multipliers[call.multiplierVersion] =
                    try multipliers[call.multiplierVersion]
                    ?? Catalog.multiplier(call.multiplierVersion, in: connection)
                call.price = prices[call.priceVersion]
                call.group = multipliers[call.multiplierVersion]?.group
                call.multiplier = multipliers[call.multiplierVersion]?.multiplier
                entry.call = call
            }
            return entry
        }
    }
}

extension LedgerEntry {
    fileprivate init(_ row: Row) throws {
        guard let kind = Kind(rawValue: try row.text("kind")) else {
            throw DatabaseFailure.malformedRow(column: "kind")
        }
        var call: Call?
        if let credential = try row.optionalIdentifier("credential_id") {
            call = Call(
                credential: credential, application: try row.identifier("application_id"), model: try row.text("model"),
                priceVersion: try row.identifier("price_id"), multiplierVersion: try row.identifier("multiplier_id"))
        }
        self.init(
            id: try row.identifier("id"), account: try row.identifier("account_id"), kind: kind,
            amount: try row.credits("amount"), hold: try row.optionalIdentifier("hold_id"), call: call,
            reason: try row.optionalText("reason"), actor: try row.optionalIdentifier("actor_id"),
            createdAt: try row.time("created_at"))
    }
}

extension UsageDayTable {
    /// The column of each dimension.
    private static func column(_ dimension: UsageRequest.Dimension) -> String {
        switch dimension {
        case .day: "day"
        case .credential: "credential_id"
        case .application: "application_id"
        case .model: "model"
        }
    }

    /// One line more than may be answered, which tells that there are too many.
    static func report(_ request: UsageRequest, _ connection: Connection) throws -> [UsageLine] {
        let columns = request.by.map(column).joined(separator: ", ")
        // (A sum of integers is a numeric on PostgreSQL.)
        return try connection.rows(
            """
            SELECT \(columns), CAST(sum(calls) AS BIGINT) AS calls, CAST(sum(amount) AS BIGINT) AS amount
            FROM usage_days
            WHERE account_id = $1 AND day BETWEEN $2 AND $3 AND ($4 = '' OR credential_id = $4)
              AND ($5 = '' OR application_id = $5) AND ($6 = '' OR model = $6)
            GROUP BY \(columns) ORDER BY \(columns) LIMIT $7
            """, request.account, request.days.lowerBound.number, request.days.upperBound.number,
            request.credential?.description ?? "", request.application?.description ?? "", request.model ?? "",
            UsageRequest.limit + 1
        ).map { row in
            UsageLine(
                day: try request.by.contains(.day) ? Day(number: row.integer("day")) : nil,
                credential: try request.by.contains(.credential) ? row.identifier("credential_id") : nil,
                application: try request.by.contains(.application) ? row.identifier("application_id") : nil,
                model: try request.by.contains(.model) ? row.text("model") : nil, calls: try row.integer("calls"),
                amount: try row.credits("amount"))
        }
    }

    /// What was charged with one version of a multiplier, by account and price.
    static func priced(
        with multiplier: Identifier, _ days: ClosedRange<Day>, _ connection: Connection
    ) throws -> [(account: Identifier, price: Identifier, sum: PricingPreview.Sum)] {
        try connection.rows(
            """
            SELECT account_id, price_id, CAST(sum(calls) AS BIGINT) AS calls, CAST(sum(amount) AS BIGINT) AS amount
            FROM usage_days WHERE multiplier_id = $1 AND day BETWEEN $2 AND $3 GROUP BY account_id, price_id
            """, multiplier, days.lowerBound.number, days.upperBound.number
        ).map { row in
            (
                try row.identifier("account_id"), try row.identifier("price_id"),
                PricingPreview.Sum(calls: try row.integer("calls"), charged: try row.credits("amount"))
            )
        }
    }

    /// Every row, for the proof.
    static func all(_ connection: Connection) throws -> [(row: Line, calls: Int64, amount: Credits)] {
        try connection.rows("SELECT * FROM usage_days").map {
            (try line($0), try $0.integer("calls"), try $0.credits("amount"))
        }
    }

    static func line(_ row: Row) throws -> Line {
        Line(
            account: try row.identifier("account_id"), day: Day(number: try row.integer("day")),
            credential: try row.identifier("credential_id"), application: try row.identifier("application_id"),
            model: try row.text("model"), price: try row.identifier("price_id"),
            multiplier: try row.identifier("multiplier_id"))
    }
}
