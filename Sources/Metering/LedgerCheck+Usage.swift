import Database
import Policy
import Values

extension LedgerCheck {
    /// What the charges say by day, and by it for keys and months.
    func checkUsage(_ open: [Hold], _ connection: Connection) throws {
        var keys: [String: Usage] = [:]
        var charged: [UsageDayTable.Line: (calls: Int64, amount: Credits)] = [:]
        for (row, calls, amount) in try Self.charges(connection) {
            charged[row] = (calls, amount)
            for name in [Self.name(row.subject.credential), Self.name(row.subject.credential, row.day.month)] {
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
                        "the key \(row.subject.credential) has on \(row.day.text) \(calls) calls for \(amount.decimal), but "
                        + "its entries make \(entries.calls) for \(entries.amount.decimal)")
            }
        }
        if let row = charged.keys.first {
            throw Difference(
                sentence: "the charges of the key \(row.subject.credential) on \(row.day.text) are in no report")
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

    /// All charges, by everything that reports tell apart. A call counts on the day on which it was admitted, rounded
    /// down before 1970 too, where a division rounds up.
    private static func charges(
        _ connection: Connection
    ) throws -> [(row: UsageDayTable.Line, calls: Int64, amount: Credits)] {
        try connection.rows(
            """
            SELECT hold.account_id,
              (hold.created_at - (hold.created_at % 86400000000 + 86400000000) % 86400000000) / 86400000000 AS day,
              hold.credential_id, hold.application_id,
              hold.model, hold.price_id, hold.multiplier_id, count(*) AS calls, \(sum("entry.amount", as: "amount"))
            FROM ledger AS entry
              JOIN ledger AS hold ON hold.account_id = entry.account_id AND hold.id = entry.hold_id
            WHERE entry.kind = 'charge' GROUP BY 1, 2, 3, 4, 5, 6, 7
            """
        ).map { (try UsageDayTable.line($0), try $0.integer("calls"), try sum("amount", $0)) }
    }

    private static func usage(_ row: Row) throws -> Usage {
        Usage(posted: try row.credits("posted"), held: try row.credits("held"))
    }

    private static func name(_ credential: Identifier) -> String { "the key \(credential)" }

    private static func name(_ credential: Identifier, _ month: Month) -> String {
        "the key \(credential) in \(month.text)"
    }
}
