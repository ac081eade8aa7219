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

    /// The column of each dimension.
    private static func column(_ dimension: RefusedCallsRequest.Dimension) -> String {
        switch dimension {
        case .day: "day"
        case .credential: "credential_id"
        case .code: "code"
        }
    }

    /// The counts of an account by some columns; of one key by the index of keys.
    static func counts(by columns: String, ofKey: Bool) -> String {
        let condition = ofKey ? "credential_id = $4" : "$4 = ''"
        return """
            SELECT \(columns), CAST(sum(calls) AS BIGINT) AS calls FROM refused_calls
            WHERE account_id = $1 AND day BETWEEN $2 AND $3 AND \(condition) GROUP BY \(columns) LIMIT $5
            """
    }

    static func lines(
        _ request: RefusedCallsRequest, atMost limit: Int, _ connection: Connection
    ) throws -> [RefusedCallsGroup: Int64] {
        let columns = request.by.map(column).sorted().joined(separator: ", ")
        let rows = try connection.rows(
            counts(by: columns, ofKey: request.credential != nil), request.account, request.days.lowerBound.number,
            request.days.upperBound.number, request.credential?.description ?? "", limit)
        return try Dictionary(
            rows.map { row in
                let group = RefusedCallsGroup(
                    day: try request.by.contains(.day) ? Day(number: row.integer("day")) : nil,
                    credential: try request.by.contains(.credential) ? row.identifier("credential_id") : nil,
                    code: try request.by.contains(.code) ? row.text("code") : nil)
                return (group, try row.integer("calls"))
            }, uniquingKeysWith: { $0 + $1 })
    }
}
