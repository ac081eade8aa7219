import Database
package import Values

/// How many entries of the ledger pass a filter, and what they come to. Exact to the last commit.
package struct LedgerTotals: Sendable, Equatable {
    /// How many.
    package let entries: Int64
    /// The sums of each kind, and what all of them together change the balance by. A sum that fits in no 64 bits is `nil`:
    /// grants can be more than that when they were taken away again in between.
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

    private init(_ sums: [LedgerEntry.Kind: Sum]) {
        func credits(_ micro: Int128) -> Credits? { Int64(exactly: micro).map(Credits.init(micro:)) }
        func micro(_ kind: LedgerEntry.Kind) -> Int128 { sums[kind]?.micro ?? 0 }
        entries = sums.values.reduce(0) { $0 + $1.entries }
        granted = credits(micro(.grant))
        adjusted = credits(micro(.adjustment))
        charged = credits(micro(.charge))
        change = credits(micro(.grant) + micro(.adjustment) - micro(.charge))
    }

    init(_ filter: LedgerFilter, _ connection: Connection) throws {
        let ahead = try FoldTable.mark(connection).ahead
        var sums: [LedgerEntry.Kind: Sum] = [:]
        if filter.hasCorrections { sums = try Self.corrections(filter, ahead, connection) }
        if filter.hasCharges {
            let parts = DayParts(filter.times)
            var charges = try Self.behindFold(filter, connection)
            if let days = parts.days { charges += try UsageDayTable.sum(filter, days, connection) }
            for edge in parts.edges { charges += try Self.folded(filter, edge, ahead, connection) }
            sums[.charge] = charges
        }
        self.init(sums)
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

    /// Of less than a day: what is left of the first day and the last one.
    private static func folded(
        _ filter: LedgerFilter, _ times: Range<Timestamp>, _ ahead: Int64, _ connection: Connection
    ) throws -> Sum {
        try charges(folded, filter, times, LedgerSpan(times, ahead: ahead), connection)
    }

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
