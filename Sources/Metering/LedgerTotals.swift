import Database
package import Values

/// How many entries of the ledger pass a filter, and what they come to. Exact to the last commit.
///
/// Whole days are added up already. Of a part of a day each charge is read, up to ``window`` of them at either end; where
/// there are more, nothing is said that has charges in it.
package struct LedgerTotals: Sendable, Equatable {
    /// So many charges of a part of a day are read, whichever pass. A tenth of a second of a reader's time.
    package static let window = 100_000

    /// How many; `nil` where a part of a day has more than ``window`` charges.
    package let entries: Int64?
    /// The sums of each kind, and what all of them together change the balance by. A sum that fits in no 64 bits is `nil`:
    /// grants can be more than that when they were taken away again in between. So are the sums with charges in them where
    /// ``entries`` is.
    package let granted, adjusted, charged, change: Credits?

    /// Entries of one kind.
    struct Sum {
        var entries: Int64 = 0
        /// In micro-credits.
        var micro: Int128 = 0

        init() {}

        /// - Parameter row: `entries` and the two columns of `amount`.
        init(_ row: Row?) throws {
            guard let row else { return }
            entries = try row.integer("entries")
            micro = try ExactSum.micro("amount", row)
        }

        static func += (left: inout Sum, right: Sum) {
            left.entries += right.entries
            left.micro += right.micro
        }
    }

    /// - Parameter charges: `nil` where they are too many to be read.
    private init(_ corrections: [LedgerEntry.Kind: Sum], _ charges: Sum?) {
        func credits(_ micro: Int128) -> Credits? { Int64(exactly: micro).map(Credits.init(micro:)) }
        let (grants, adjustments) = (corrections[.grant] ?? Sum(), corrections[.adjustment] ?? Sum())
        entries = charges.map { grants.entries + adjustments.entries + $0.entries }
        granted = credits(grants.micro)
        adjusted = credits(adjustments.micro)
        charged = charges.flatMap { credits($0.micro) }
        change = charges.flatMap { credits(grants.micro + adjustments.micro - $0.micro) }
    }

    init(_ filter: LedgerFilter, window: Int = Self.window, _ connection: Connection) throws {
        let ahead = try FoldTable.mark(connection).ahead
        self.init(
            filter.hasCorrections ? try Self.corrections(filter, ahead, connection) : [:],
            filter.hasCharges ? try Self.charges(filter, ahead, window, connection) : Sum())
    }

    private static func charges(
        _ filter: LedgerFilter, _ ahead: Int64, _ window: Int, _ connection: Connection
    ) throws -> Sum? {
        let parts = DayParts(filter.times)
        var charges = try behindFold(filter, connection)
        if let days = parts.days { charges += try UsageDayTable.sum(filter, days, connection) }
        for times in parts.edges {
            let span = LedgerSpan(times, ahead: ahead)
            let row = try connection.row(within, filter.account, span.bound, span.least, window + 1)
            guard try row?.integer("n") ?? 0 <= window else { return nil }
            charges += try Self.charges(folded, filter, times, span, connection)
        }
        return charges
    }
}

// MARK: Statements

extension LedgerTotals {
    private static let columns = "count(*) AS entries, \(ExactSum.sql("charges.amount", as: "amount"))"

    static let folded = """
        SELECT \(columns) FROM charge_index JOIN charges ON charges.n = charge_index.n
          JOIN charge_subjects ON charge_subjects.id = charges.subject
        WHERE charge_index.account = (SELECT number FROM balances WHERE account_id = $1)
          AND charge_index.id < $2 AND charge_index.id >= $3 AND \(ChargeTable.passes)
        """

    /// How many charges are between two numbers, up to so many.
    static let within = """
        SELECT count(*) AS n FROM (
          SELECT 1 FROM charge_index WHERE account = (SELECT number FROM balances WHERE account_id = $1)
            AND id < $2 AND id >= $3 LIMIT $4) AS some
        """

    static let behindFold = """
        SELECT \(columns) FROM charges JOIN charge_subjects ON charge_subjects.id = charges.subject
        WHERE \(ChargeTable.isUnfolded) AND charge_subjects.account_id = $1
          AND charges.id < $2 AND charges.id >= $3 AND \(ChargeTable.passes)
        """

    static let corrections = """
        SELECT kind, count(*) AS entries, \(ExactSum.sql("amount", as: "amount")) FROM ledger
        WHERE account_id = $1 AND id < $2 AND id >= $3 AND ($4 = '' OR kind = $4)
          AND created_at >= $5 AND created_at < $6
        GROUP BY kind
        """

    private static func behindFold(_ filter: LedgerFilter, _ connection: Connection) throws -> Sum {
        try charges(behindFold, filter, filter.times, LedgerSpan(.earliest..<Timestamp.latest, ahead: 0), connection)
    }

    private static func charges(
        _ statement: String, _ filter: LedgerFilter, _ times: Range<Timestamp>, _ span: LedgerSpan,
        _ connection: Connection
    ) throws -> Sum {
        try Sum(
            connection.row(
                statement, filter.account, span.bound, span.least, filter.credentialText, filter.applicationText,
                filter.modelText, times.lowerBound, times.upperBound))
    }

    private static func corrections(
        _ filter: LedgerFilter, _ ahead: Int64, _ connection: Connection
    ) throws -> [LedgerEntry.Kind: Sum] {
        let times = filter.times
        let span = LedgerSpan(times, ahead: ahead)
        let rows = try connection.rows(
            corrections, filter.account, span.bound, span.least, filter.kind?.rawValue ?? "", times.lowerBound,
            times.upperBound)
        return try Dictionary(
            rows.map { row in
                guard let kind = LedgerEntry.Kind(rawValue: try row.text("kind")) else {
                    throw DatabaseFailure.malformedRow(column: "kind")
                }
                return (kind, try Sum(row))
            }, uniquingKeysWith: { $1 })
    }
}
