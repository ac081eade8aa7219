import Database
import Values

extension LedgerCheck {
    /// What the charges say by day, and by it for keys and months.
    func checkUsage(_ connection: Connection) throws {
        var keys: [String: Credits] = [:]
        var charged: [UsageDayTable.Line: (calls: Int64, amount: Credits)] = [:]
        for (row, calls, amount) in try Self.charges(connection) {
            charged[row] = (calls, amount)
            for name in [Self.name(row.subject.credential), Self.name(row.subject.credential, row.day.month)] {
                keys[name] = try (keys[name] ?? .zero).plus(amount)
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

    private func checkKeys(_ expected: [String: Credits], _ connection: Connection) throws {
        var expected = expected
        var stored: [(name: String, posted: Credits)] = []
        for row in try connection.rows("SELECT * FROM credential_usage") {
            stored.append((Self.name(try row.identifier("credential_id")), try row.credits("posted")))
        }
        for row in try connection.rows("SELECT * FROM credential_months") {
            let month = Month(number: try row.integer("month"))
            stored.append((Self.name(try row.identifier("credential_id"), month), try row.credits("posted")))
        }
        for (name, posted) in stored {
            let entries = expected.removeValue(forKey: name) ?? .zero
            if posted != entries {
                throw Difference(
                    sentence: "\(name) is stored with \(posted.decimal) charged, but its entries make "
                        + entries.decimal)
            }
        }
        if let (name, entries) = expected.first(where: { $0.value != .zero }) {
            throw Difference(sentence: "\(name) has no stored total, but its entries make \(entries.decimal)")
        }
    }

    /// All charges that are folded, by everything that reports tell apart. A call counts on the day on which it was
    /// admitted.
    private static func charges(
        _ connection: Connection
    ) throws -> [(row: UsageDayTable.Line, calls: Int64, amount: Credits)] {
        try connection.rows(
            """
            SELECT account_id, \(ChargeTable.day) AS day, credential_id, application_id, model, price_id,
              multiplier_id, count(*) AS calls, \(ExactSum.sql("charges.amount", as: "amount"))
            FROM charges JOIN charge_subjects ON charge_subjects.id = charges.subject
            WHERE NOT (\(ChargeTable.isUnfolded)) GROUP BY 1, 2, 3, 4, 5, 6, 7
            """
        ).map { (try UsageDayTable.line($0), try $0.integer("calls"), try ExactSum.credits("amount", $0)) }
    }

    private static func name(_ credential: Identifier) -> String { "the key \(credential)" }

    private static func name(_ credential: Identifier, _ month: Month) -> String {
        "the key \(credential) in \(month.text)"
    }
}
