import Database
import Values

/// The SQL of `refused_calls`.
enum RefusedCallTable {
    static func add(_ counts: [RefusedCallsLine: Int64], _ connection: Connection) throws {
        for (line, count) in counts {
            try connection.run(
                """
                INSERT INTO refused_calls (account_id, day, credential_id, code, calls) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (account_id, day, credential_id, code) DO UPDATE SET calls = refused_calls.calls + excluded.calls
                """, line.account, line.day.number, line.credential, line.code, count)
        }
    }

    static func lines(
        of account: Identifier, _ days: ClosedRange<Day>, _ credential: Identifier?, atMost limit: Int,
        _ connection: Connection
    ) throws -> [RefusedCallsLine: Int64] {
        let rows = try connection.rows(
            """
            SELECT day, credential_id, code, calls FROM refused_calls
            WHERE account_id = $1 AND day BETWEEN $2 AND $3 AND ($4 = '' OR credential_id = $4) LIMIT $5
            """, account, days.lowerBound.number, days.upperBound.number, credential?.description ?? "", limit)
        return try Dictionary(
            rows.map { row in
                let line = RefusedCallsLine(
                    account: account, credential: try row.identifier("credential_id"), code: try row.text("code"),
                    day: Day(number: try row.integer("day")))
                return (line, try row.integer("calls"))
            }, uniquingKeysWith: { $0 + $1 })
    }
}
