import Catalog
package import Database
import Policy
import Values

/// The proof of the ledger: every balance and total is computed anew from the entries and held against what is stored.
package struct LedgerCheck: Sendable {
    /// What was looked at.
    package var accounts = 0
    package var entries: Int64 = 0
    package var openHolds = 0
    /// The first thing that is not as the entries say; `nil` when all is.
    package var difference: String?

    /// How many steps it has.
    package static let steps = 6

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
        entries = try connection.row("SELECT count(*) AS n FROM ledger")?.integer("n") ?? 0
        try checkSettlements(connection)
        onStep(2)
        if isPriced { try checkPrices(connection) }
        onStep(3)
        try checkRepetitions(connection)
        onStep(4)
        let open = try openHolds(connection)
        openHolds = open.count
        onStep(5)
        try checkBalances(open, connection)
        onStep(6)
        try checkUsage(open, connection)
    }

    /// Every charge and void has the amount of its hold.
    private func checkSettlements(_ connection: Connection) throws {
        let wrong = try connection.row(
            """
            SELECT entry.id FROM ledger AS entry LEFT JOIN ledger AS hold
              ON hold.account_id = entry.account_id AND hold.id = entry.hold_id AND hold.kind = 'hold'
            WHERE entry.hold_id IS NOT NULL AND (hold.id IS NULL OR hold.amount <> entry.amount) LIMIT 1
            """)
        if let wrong {
            throw Difference(sentence: "the entry \(try wrong.text("id")) does not have the amount of its hold")
        }
    }

    /// Every hold has the cost that its versions of price and multiplier make.
    private func checkPrices(_ connection: Connection) throws {
        let kinds = try connection.rows(
            "SELECT price_id, multiplier_id, amount, min(id) AS id FROM ledger WHERE kind = 'hold' GROUP BY 1, 2, 3")
        for row in kinds {
            guard let price = try Catalog.price(row.identifier("price_id"), in: connection),
                let version = try Catalog.multiplier(row.identifier("multiplier_id"), in: connection)
            else { throw Difference(sentence: "the hold \(try row.text("id")) names a version that is not there") }
            if price.cost(version.multiplier) != (try row.credits("amount")) {
                throw Difference(sentence: "the hold \(try row.text("id")) is not the cost that its versions make")
            }
        }
    }

    /// What is kept for a repetition belongs to a charge, what is in flight to an open hold.
    private func checkRepetitions(_ connection: Connection) throws {
        let stray = try connection.row(
            """
            SELECT hold_id FROM idempotent_calls AS call
            WHERE (is_settled = 1 AND NOT EXISTS
                (SELECT 1 FROM ledger WHERE ledger.hold_id = call.hold_id AND kind = 'charge'))
              OR (is_settled = 0 AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.id = call.hold_id)) LIMIT 1
            """)
        if let stray {
            throw Difference(
                sentence: "the repeatable call of the hold \(try stray.text("hold_id")) is not as its hold is")
        }
    }

    /// The holds without a settlement are the open ones.
    private func openHolds(_ connection: Connection) throws -> [Hold] {
        let unsettled = try connection.rows(
            """
            SELECT hold.id FROM ledger AS hold WHERE hold.kind = 'hold'
              AND NOT EXISTS (SELECT 1 FROM ledger AS entry WHERE entry.hold_id = hold.id)
            """
        ).map { try $0.identifier("id") }
        let open = try HoldTable.all(connection)
        let stray = Set(unsettled).symmetricDifference(open.map(\.id)).min()
        if let stray { throw Difference(sentence: "the hold \(stray) is open in one place and settled in the other") }
        let count = try connection.row("SELECT count(*) AS n FROM holds")?.integer("n") ?? 0
        if count != open.count {
            throw Difference(sentence: "\(count) holds are open, but \(open.count) are in the ledger")
        }
        return open
    }

    /// A sum in two halves, neither of which can leave 64 bits on its way, in whatever order the rows are added.
    static func sum(_ expression: String, as name: String) -> String {
        """
        CAST(sum((\(expression)) / 1000000000) AS BIGINT) AS \(name)_high,
        CAST(sum((\(expression)) % 1000000000) AS BIGINT) AS \(name)_low
        """
    }

    static func sum(_ name: String, _ row: Row) throws -> Credits {
        let sum = Int128(try row.integer(name + "_high")) * 1_000_000_000 + Int128(try row.integer(name + "_low"))
        guard let micro = Int64(exactly: sum) else { throw MeteringError.balanceTooLarge }
        return Credits(micro: micro)
    }

    private mutating func checkBalances(_ open: [Hold], _ connection: Connection) throws {
        var expected: [Identifier: Balance] = [:]
        let sums = try connection.rows(
            """
            SELECT account_id,
              \(Self.sum("CASE WHEN kind IN ('grant', 'adjustment') THEN amount ELSE 0 END", as: "granted")),
              \(Self.sum("CASE WHEN kind = 'charge' THEN amount ELSE 0 END", as: "posted"))
            FROM ledger GROUP BY account_id
            """)
        for row in sums {
            expected[try row.identifier("account_id")] = Balance(
                granted: try Self.sum("granted", row), usage: Usage(posted: try Self.sum("posted", row)))
        }
        for hold in open {
            let held = expected[hold.call.account]?.usage.held ?? .zero
            expected[hold.call.account]?.usage.held = try held.plus(hold.cost)
        }
        let stored = try connection.rows("SELECT * FROM balances")
        accounts = stored.count
        for row in stored {
            let account = try row.identifier("account_id")
            let balance = Balance(
                granted: try row.credits("granted"),
                usage: Usage(posted: try row.credits("posted"), held: try row.credits("held")))
            let entries = expected.removeValue(forKey: account) ?? Balance()
            if balance != entries {
                throw Difference(
                    sentence:
                        "the account \(account) is stored with \(balance.sentence), but its entries make \(entries.sentence)"
                )
            }
        }
        if let (account, entries) = expected.first(where: { $0.value != Balance() }) {
            throw Difference(
                sentence: "the account \(account) has no stored balance, but its entries make \(entries.sentence)")
        }
    }
}

extension Usage {
    var sentence: String { "\(posted.decimal) charged and \(held.decimal) held" }
}

extension Balance {
    fileprivate var sentence: String { "\(granted.decimal) granted, \(usage.sentence)" }
}
