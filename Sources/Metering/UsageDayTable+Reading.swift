import Database
import Values

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

    /// The rows of the table, and a row for each charge that is not folded yet.
    private static func lines(_ condition: String) -> String {
        let names = "account_id, credential_id, application_id, model, price_id, multiplier_id"
        return """
            SELECT day, \(names), calls, amount FROM usage_days WHERE \(condition)
            UNION ALL SELECT \(ChargeTable.day), \(names), 1, charges.amount
            FROM charges JOIN charge_subjects ON charge_subjects.id = charges.subject
            WHERE \(ChargeTable.isUnfolded) AND \(condition)
            """
    }

    /// One line more than may be answered, which tells that there are too many.
    static func report(_ request: UsageRequest, _ connection: Connection) throws -> [UsageLine] {
        let columns = request.by.map(column).joined(separator: ", ")
        // (A sum of integers is a numeric on PostgreSQL.)
        return try connection.rows(
            """
            SELECT \(columns), CAST(sum(calls) AS BIGINT) AS calls, CAST(sum(amount) AS BIGINT) AS amount
            FROM (\(lines("account_id = $1"))) AS lines
            WHERE day BETWEEN $2 AND $3 AND ($4 = '' OR credential_id = $4)
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
            FROM (\(lines("multiplier_id = $1"))) AS lines WHERE day BETWEEN $2 AND $3 GROUP BY account_id, price_id
            """, multiplier, days.lowerBound.number, days.upperBound.number
        ).map { row in
            (
                try row.identifier("account_id"), try row.identifier("price_id"),
                PricingPreview.Sum(calls: try row.integer("calls"), charged: try row.credits("amount"))
            )
        }
    }

    static let lastDay = """
        SELECT day FROM usage_days WHERE account_id = $1 AND day BETWEEN $2 AND $3 AND \(passes)
        ORDER BY day DESC LIMIT 1
        """

    /// The last day on which calls were charged and folded that pass a filter, of those that began before a time.
    static func lastDay(_ filter: LedgerFilter, before end: Timestamp, _ connection: Connection) throws -> Day? {
        let end = min(end, filter.times.upperBound)
        guard filter.times.lowerBound < end else { return nil }
        return try connection.row(
            lastDay, filter.account, Day(of: filter.times.lowerBound).number,
            Day(of: Timestamp(microseconds: end.microseconds - 1)).number, filter.credentialText,
            filter.applicationText, filter.modelText
        ).map { Day(number: try $0.integer("day")) }
    }

    static let sum = """
        SELECT CAST(coalesce(sum(calls), 0) AS BIGINT) AS entries, \(ExactSum.sql("amount", as: "amount"))
        FROM usage_days WHERE account_id = $1 AND day BETWEEN $2 AND $3 AND \(passes)
        """

    /// What was charged on some days, as far as it is folded and passes a filter.
    static func sum(
        _ filter: LedgerFilter, _ days: ClosedRange<Day>, _ connection: Connection
    ) throws -> LedgerTotals.Sum {
        try LedgerTotals.Sum(
            connection.row(
                sum, filter.account, days.lowerBound.number, days.upperBound.number, filter.credentialText,
                filter.applicationText, filter.modelText))
    }

    private static let passes = """
        ($4 = '' OR credential_id = $4) AND ($5 = '' OR application_id = $5) AND ($6 = '' OR model = $6)
        """

    /// Every row, for the proof.
    static func all(_ connection: Connection) throws -> [(row: Line, calls: Int64, amount: Credits)] {
        try connection.rows("SELECT * FROM usage_days").map {
            (try line($0), try $0.integer("calls"), try $0.credits("amount"))
        }
    }

    static func line(_ row: Row) throws -> Line {
        Line(day: Day(number: try row.integer("day")), subject: try CallSubject(row))
    }
}
