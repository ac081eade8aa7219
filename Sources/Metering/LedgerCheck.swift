import Catalog
package import Database
import Policy
import Values

/// The proof of the ledger: every balance and total is computed anew from the entries and held against what is stored.
///
/// Totals are those up to where the log is folded. For the charges behind that, it is proved that they fit.
package struct LedgerCheck: Sendable {
    /// What was looked at.
    package var accounts = 0
    package var entries: Int64 = 0
    /// Charges that are not folded yet.
    package var unfolded: Int64 = 0
    /// The first thing that is not as the entries say; `nil` when all is.
    package var difference: String?

    /// How many steps it has.
    package static let steps = 5

    /// Looks at one snapshot.
    /// - Parameter onStep: is told the number of each step when it begins, from 1.
    package static func run(
        on database: Database, onStep: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> LedgerCheck {
        try await run(on: database, isPriced: true, onStep: onStep)
    }

    /// - Parameter isPriced: `false` for a ledger whose calls cost what a test liked.
    static func run(
        on database: Database, isPriced: Bool, onStep: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> LedgerCheck {
        try await database.read { connection in
            var check = LedgerCheck()
            do {
                try check.look(connection, isPriced, onStep)
            } catch let found as Difference {
                check.difference = found.sentence
            } catch MeteringError.balanceTooLarge {
                check.difference = "a sum of entries does not fit in 64 bits"
            } catch DatabaseFailure.malformedRow(let column) {
                check.difference = "an entry or a total has no right value for \(column)"
            } catch DatabaseFailure.engine(let code) {
                check.difference = "the entries can't be added up (SQLite result code \(code))"
            }
            return check
        }
    }

    struct Difference: Error {
        let sentence: String
    }

    private mutating func look(_ connection: Connection, _ isPriced: Bool, _ onStep: (Int) -> Void) throws {
        onStep(1)
        let counts = try connection.row(
            """
            SELECT (SELECT count(*) FROM ledger) AS corrections, (SELECT count(*) FROM charges) AS charges,
              (SELECT count(*) FROM charges WHERE \(ChargeTable.isUnfolded)) AS unfolded
            """)
        let charges = try counts?.integer("charges") ?? 0
        entries = try (counts?.integer("corrections") ?? 0) + charges
        unfolded = try counts?.integer("unfolded") ?? 0
        try checkIndex(charges - unfolded, connection)
        try checkAhead(connection)
        onStep(2)
        try checkSubjects(isPriced, connection)
        onStep(3)
        try checkRepetitions(connection)
        onStep(4)
        try checkBalances(connection)
        onStep(5)
        try checkUsage(connection)
    }

    static func name(ofCharge number: Int64) -> String {
        number < 0 ? "the charge of the number \(number)" : "the charge \(Identifier(number: number))"
    }

    /// Every charge is for something, at versions of price and multiplier that make at least its amount.
    private func checkSubjects(_ isPriced: Bool, _ connection: Connection) throws {
        let subjects = try connection.rows(
            """
            SELECT charges.subject, max(charges.amount) AS amount, min(charges.id) AS charge,
              charge_subjects.price_id, charge_subjects.multiplier_id
            FROM charges LEFT JOIN charge_subjects ON charge_subjects.id = charges.subject GROUP BY 1, 4, 5
            """)
        for row in subjects {
            let name = Self.name(ofCharge: try row.integer("charge"))
            guard let priceID = try row.optionalIdentifier("price_id"),
                let multiplierID = try row.optionalIdentifier("multiplier_id")
            else { throw Difference(sentence: "\(name) is for nothing that is known") }
            if !isPriced { continue }
            guard let price = try Catalog.price(priceID, in: connection),
                let multiplier = try Catalog.multiplier(multiplierID, in: connection)
            else { throw Difference(sentence: "\(name) names a version that is not there") }
            if price.price.cost(multiplier.multiplier) < (try row.credits("amount")) {
                throw Difference(sentence: "\(name), or one like it, is more than the cost that its versions make")
            }
        }
    }

    /// What is kept for a repetition belongs to a charge of its key, and was made when that was.
    private func checkRepetitions(_ connection: Connection) throws {
        let stray = try connection.row(
            """
            SELECT call.charge FROM idempotent_calls AS call WHERE NOT EXISTS (
              SELECT 1 FROM credentials JOIN balances ON balances.account_id = credentials.account_id
                JOIN charge_index ON charge_index.account = balances.number AND charge_index.id = call.charge
                JOIN charges ON charges.n = charge_index.n
                JOIN charge_subjects ON charge_subjects.id = charges.subject
              WHERE credentials.id = call.credential_id AND charge_subjects.credential_id = call.credential_id)
            AND NOT EXISTS (
              SELECT 1 FROM charges JOIN charge_subjects ON charge_subjects.id = charges.subject
              WHERE \(ChargeTable.isUnfolded) AND charges.id = call.charge
                AND charge_subjects.credential_id = call.credential_id) LIMIT 1
            """)
        if let stray {
            throw Difference(
                sentence:
                    "a repeatable call names \(Self.name(ofCharge: try stray.integer("charge"))), which is not its "
                    + "charge")
        }
    }

    private mutating func checkBalances(_ connection: Connection) throws {
        var expected: [Identifier: Balance] = [:]
        for row in try connection.rows(
            "SELECT account_id, \(ExactSum.sql("amount", as: "granted")) FROM ledger GROUP BY account_id")
        {
            expected[try row.identifier("account_id"), default: Balance()].granted = try ExactSum.credits(
                "granted", row)
        }
        var behind: [Identifier: Credits] = [:]
        for row in try connection.rows(
            """
            SELECT account_id, \(ChargeTable.isUnfolded) AS is_unfolded, \(ExactSum.sql("amount", as: "posted"))
            FROM charges JOIN charge_subjects ON charge_subjects.id = charges.subject GROUP BY 1, 2
            """)
        {
            let account = try row.identifier("account_id")
            let sum = try ExactSum.credits("posted", row)
            if try row.flag("is_unfolded") {
                behind[account] = sum
            } else {
                expected[account, default: Balance()].usage.posted = sum
            }
        }
        let stored = try connection.rows("SELECT * FROM balances")
        accounts = stored.count
        for row in stored {
            let account = try row.identifier("account_id")
            let balance = Balance(
                granted: try row.credits("granted"), usage: Usage(posted: try row.credits("posted")))
            let entries = expected.removeValue(forKey: account) ?? Balance()
            if balance != entries {
                throw Difference(
                    sentence:
                        "the account \(account) is stored with \(balance.sentence), but its entries make \(entries.sentence)"
                )
            }
            let more = behind.removeValue(forKey: account) ?? .zero
            guard let left = balance.amount.subtracting(more), left >= .zero else {
                throw Difference(
                    sentence: "the account \(account) has charges of \(more.decimal) behind the fold, but only "
                        + "\(balance.amount.decimal) for them")
            }
        }
        if let (account, entries) = expected.first(where: { $0.value != Balance() }) {
            throw Difference(
                sentence: "the account \(account) has no stored balance, but its entries make \(entries.sentence)")
        }
        if let (account, more) = behind.first(where: { $0.value != .zero }) {
            throw Difference(
                sentence: "the account \(account) has charges of \(more.decimal) behind the fold, and nothing for them")
        }
    }
}

extension Balance {
    fileprivate var sentence: String { "\(granted.decimal) granted and \(usage.posted.decimal) charged" }
}
