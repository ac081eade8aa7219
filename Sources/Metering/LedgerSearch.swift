import Database
import Values

/// The SQL of one page of the ledger: which entries pass a filter, between two numbers, the newest first.
struct LedgerSearch {
    /// The number of the least entry that may come.
    var least: Int64
    /// The first number behind all folded charges that may come.
    var chargeTop: Int64
    /// The same of everything whose time is noted: corrections and folded charges.
    private let top: Int64
    private let filter: LedgerFilter
    private let times: Range<Timestamp>
    /// Where the page before ended.
    private let bound: Int64
    private let limit: Int

    init(_ filter: LedgerFilter, _ span: LedgerSpan, _ page: Page) {
        self.filter = filter
        times = filter.times
        bound = page.after?.numberBound ?? .max
        limit = page.fetch
        least = span.least
        top = min(bound, span.bound)
        chargeTop = top
    }

    // MARK: Statements

    private static let charge = """
        charges.id, \(ChargeTable.time) AS created_at, charges.amount, charge_subjects.account_id,
          charge_subjects.credential_id, charge_subjects.application_id, charge_subjects.model,
          charge_subjects.price_id, charge_subjects.multiplier_id
        """

    static let folded = """
        SELECT \(charge) FROM charge_index JOIN charges ON charges.n = charge_index.n
          JOIN charge_subjects ON charge_subjects.id = charges.subject
        WHERE charge_index.account = (SELECT number FROM balances WHERE account_id = $1)
          AND charge_index.id < $2 AND charge_index.id >= $3 AND \(ChargeTable.passes)
        ORDER BY charge_index.id DESC LIMIT $9
        """

    static let behindFold = """
        SELECT \(charge) FROM charges JOIN charge_subjects ON charge_subjects.id = charges.subject
        WHERE \(ChargeTable.isUnfolded) AND charge_subjects.account_id = $1
          AND charges.id < $2 AND charges.id >= $3 AND \(ChargeTable.passes)
        ORDER BY charges.id DESC LIMIT $9
        """

    static let corrections = """
        SELECT * FROM ledger WHERE account_id = $1 AND id < $2 AND id >= $3 AND ($4 = '' OR kind = $4)
          AND created_at >= $5 AND created_at < $6
        ORDER BY id DESC LIMIT $7
        """

    /// The end of a window: the last of so many charges, whatever they are.
    static let windowEnd = """
        SELECT id FROM charge_index WHERE account = (SELECT number FROM balances WHERE account_id = $1)
          AND id < $2 AND id >= $3
        ORDER BY id DESC LIMIT 1 OFFSET $4
        """

    // MARK: Reading

    /// The first number behind all folded charges that pass, as the days of usage tell: what lies between two days with such
    /// charges is not looked through.
    func newest(ahead: Int64, _ connection: Connection) throws -> Int64 {
        let day = try UsageDayTable.lastDay(filter, before: EntryIDs.end(below: top), connection)
        guard let day else { return least }
        return min(top, LedgerSpan(.earliest..<Day(number: day.number + 1).start, ahead: ahead).bound)
    }

    /// The number of the charge with which a window ends, when there is more behind it.
    func endOfWindow(_ window: Int, _ connection: Connection) throws -> Int64? {
        try connection.row(Self.windowEnd, filter.account, chargeTop, least, window - 1)?.integer("id")
    }

    func charges(_ connection: Connection) throws -> [LedgerEntry] {
        try charges(Self.folded, below: chargeTop, connection)
    }

    /// How far numbers are ahead of their times is not known yet of these, so only the page before bounds them.
    func unfolded(_ connection: Connection) throws -> [LedgerEntry] {
        try charges(Self.behindFold, below: bound, connection)
    }

    private func charges(_ statement: String, below: Int64, _ connection: Connection) throws -> [LedgerEntry] {
        try connection.rows(
            statement, filter.account, below, least, filter.credentialText, filter.applicationText, filter.modelText,
            times.lowerBound, times.upperBound, limit
        ).map { row in
            LedgerEntry(
                id: Identifier(number: try row.integer("id")), account: try row.identifier("account_id"), kind: .charge,
                amount: try row.credits("amount"), call: LedgerEntry.Call(subject: try CallSubject(row)),
                createdAt: try row.time("created_at"))
        }
    }

    func corrections(_ connection: Connection) throws -> [LedgerEntry] {
        try connection.rows(
            Self.corrections, filter.account, top, least, filter.kind?.rawValue ?? "", times.lowerBound,
            times.upperBound, limit
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
}
