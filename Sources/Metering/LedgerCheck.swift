package import Database
import Policy

/// The proof of the ledger: every balance and total is computed anew from the entries and held against what is stored.
package struct LedgerCheck: Sendable {
    /// What was looked at.
    package var accounts = 0
    package var entries: Int64 = 0
    package var openHolds = 0
    /// The first thing that is not as the entries say; `nil` when all is.
    package var difference: String?

    /// Looks at one snapshot.
    package static func run(on database: Database) async throws -> LedgerCheck {
        try await database.read { connection in
            var check = LedgerCheck()
            do {
                try check.look(connection)
            } catch let found as Difference {
                check.difference = found.sentence
            } catch MeteringError.balanceTooLarge {
                check.difference = "a sum of entries does not fit in 64 bits"
            }
            return check
        }
    }

    private struct Difference: Error {
        let sentence: String
    }

    private mutating func look(_ connection: Connection) throws {
        entries = try connection.row("SELECT count(*) AS n FROM ledger")?.integer("n") ?? 0
        try checkSettlements(connection)
        let open = try openHolds(connection)
        openHolds = open.count
        try checkBalances(open, connection)
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

    private mutating func checkBalances(_ open: [Hold], _ connection: Connection) throws {
        var expected: [Identifier: Balance] = [:]
        let sums = try connection.rows(
            """
            SELECT account_id,
              CAST(sum(CASE WHEN kind IN ('grant', 'adjustment') THEN amount ELSE 0 END) AS BIGINT) AS granted,
              CAST(sum(CASE WHEN kind = 'charge' THEN amount ELSE 0 END) AS BIGINT) AS posted
            FROM ledger GROUP BY account_id
            """)
        for row in sums {
            expected[try row.identifier("account_id")] = Balance(
                granted: try row.credits("granted"), usage: Usage(posted: try row.credits("posted")))
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

    /// What the charges say by day, and by it for keys and months.
    private func checkUsage(_ open: [Hold], _ connection: Connection) throws {
        var keys: [String: Usage] = [:]
        var charged: [UsageDayTable.Line: (calls: Int64, amount: Credits)] = [:]
        for (row, calls, amount) in try Self.charges(connection) {
            charged[row] = (calls, amount)
            for name in [Self.name(row.credential), Self.name(row.credential, row.day.month)] {
                let posted = keys[name]?.posted ?? .zero
                keys[name, default: Usage()].posted = try posted.plus(amount)
            }
        }
        for hold in open {
            for name in [Self.name(hold.call.credential), Self.name(hold.call.credential, hold.call.month)] {
                let held = keys[name]?.held ?? .zero
                keys[name, default: Usage()].held = try held.plus(hold.cost)
            }
        }
        for (row, calls, amount) in try UsageDayTable.all(connection) {
            let entries = charged.removeValue(forKey: row) ?? (0, .zero)
            if entries != (calls, amount) {
                throw Difference(
                    sentence:
                        "the key \(row.credential) has on \(row.day.text) \(calls) calls for \(amount.decimal), but "
                        + "its entries make \(entries.calls) for \(entries.amount.decimal)")
            }
        }
        if let row = charged.keys.first {
            throw Difference(sentence: "the charges of the key \(row.credential) on \(row.day.text) are in no report")
        }
        try checkKeys(keys, connection)
    }

    private func checkKeys(_ expected: [String: Usage], _ connection: Connection) throws {
        var expected = expected
        var stored: [(name: String, usage: Usage)] = []
        for row in try connection.rows("SELECT * FROM credential_usage") {
            stored.append((Self.name(try row.identifier("credential_id")), try Self.usage(row)))
        }
        for row in try connection.rows("SELECT * FROM credential_months") {
            let month = Month(number: try row.integer("month"))
            stored.append((Self.name(try row.identifier("credential_id"), month), try Self.usage(row)))
        }
        for (name, usage) in stored {
            let entries = expected.removeValue(forKey: name) ?? Usage()
            if usage != entries {
                throw Difference(
                    sentence: "\(name) is stored with \(usage.sentence), but its entries make \(entries.sentence)")
            }
        }
        if let (name, entries) = expected.first(where: { $0.value != Usage() }) {
            throw Difference(sentence: "\(name) has no stored total, but its entries make \(entries.sentence)")
        }
    }

    /// All charges, by everything that reports tell apart. A call counts on the day on which it was admitted.
    private static func charges(
        _ connection: Connection
    ) throws -> [(row: UsageDayTable.Line, calls: Int64, amount: Credits)] {
        try connection.rows(
            """
            SELECT hold.account_id, hold.created_at / 86400000000 AS day, hold.credential_id, hold.application_id,
              hold.model, hold.price_id, hold.multiplier_id, count(*) AS calls, CAST(sum(entry.amount) AS BIGINT) AS amount
            FROM ledger AS entry
              JOIN ledger AS hold ON hold.account_id = entry.account_id AND hold.id = entry.hold_id
            WHERE entry.kind = 'charge' GROUP BY 1, 2, 3, 4, 5, 6, 7
            """
        ).map(UsageDayTable.counted)
    }

    private static func usage(_ row: Row) throws -> Usage {
        Usage(posted: try row.credits("posted"), held: try row.credits("held"))
    }

    private static func name(_ credential: Identifier) -> String { "the key \(credential)" }

    private static func name(_ credential: Identifier, _ month: Month) -> String {
        "the key \(credential) in \(month.text)"
    }
}

extension Usage {
    fileprivate var sentence: String { "\(posted.decimal) charged and \(held.decimal) held" }
}

extension Balance {
    fileprivate var sentence: String { "\(granted.decimal) granted, \(usage.sentence)" }
}
