import Database
import Values

/// The SQL of `credential_days`: how many keys an account has created and rotated on the last day it did either. A
/// counter of its own rather than a count of rows, so that nothing that happens to a key gives a creation back.
enum CredentialDayTable {
    /// How many were created and rotated on this day, and which day that is.
    static func counts(
        of account: Identifier, day: Int64, _ connection: Connection
    ) throws -> (created: Int, rotated: Int, day: Int64) {
        let row = try connection.row("SELECT day, created, rotated FROM credential_days WHERE account_id = $1", account)
        // A clock that steps back over midnight stays in the later day; it opens no second one. A day that is further
        // ahead is of a clock that was wrong, and would last for as long as that.
        guard let row, try day...day + 1 ~= row.integer("day") else { return (0, 0, day) }
        return (Int(try row.integer("created")), Int(try row.integer("rotated")), try row.integer("day"))
    }

    static func countCreation(of account: Identifier, day: Int64, _ connection: Connection) throws {
        try add(created: 1, rotated: 0, to: account, day, connection)
    }

    static func countRotation(of account: Identifier, day: Int64, _ connection: Connection) throws {
        try add(created: 0, rotated: 1, to: account, day, connection)
    }

    private static func add(
        created: Int, rotated: Int, to account: Identifier, _ day: Int64, _ connection: Connection
    ) throws {
        try connection.run(
            """
            INSERT INTO credential_days (account_id, day, created, rotated) VALUES ($1, $2, $3, $4)
            ON CONFLICT (account_id) DO UPDATE SET
              created = $3 + CASE WHEN credential_days.day BETWEEN excluded.day AND excluded.day + 1
                THEN credential_days.created ELSE 0 END,
              rotated = $4 + CASE WHEN credential_days.day BETWEEN excluded.day AND excluded.day + 1
                THEN credential_days.rotated ELSE 0 END,
              day = CASE WHEN credential_days.day BETWEEN excluded.day AND excluded.day + 1
                THEN credential_days.day ELSE excluded.day END
            """, account, day, created, rotated)
    }
}
