import Database
import Values

/// How many calls of a key were charged since a time.
package struct CallCount: Sendable, Equatable {
    /// So many charges of the account are looked through, and one more, the latest first.
    package static let window = 10_000

    package let calls: Int64
    /// The account had more charges in that time than are looked through, so there may be more calls.
    package let isAtLeast: Bool

    init(of credential: Identifier, in account: Identifier, since time: Timestamp, _ connection: Connection) throws {
        let bound = EntryIDs.least(at: time)
        // A number may be ahead of its time, where the clock was once set back.
        let folded = try connection.row(
            """
            SELECT count(*) AS n,
              count(CASE WHEN charge_subjects.credential_id = $3 AND \(ChargeTable.time) >= $5 THEN 1 END) AS calls
            FROM (
              SELECT n AS position FROM charge_index
              WHERE account = (SELECT number FROM balances WHERE account_id = $1) AND id >= $2
              ORDER BY id DESC LIMIT $4) AS latest
              JOIN charges ON charges.n = latest.position JOIN charge_subjects ON charge_subjects.id = charges.subject
            """, account, bound, credential, Self.window + 1, time)
        // What is not folded yet is a second of calls.
        let unfolded = try connection.row(
            """
            SELECT count(*) AS calls FROM charges JOIN charge_subjects ON charge_subjects.id = charges.subject
            WHERE \(ChargeTable.isUnfolded) AND charge_subjects.credential_id = $1 AND charges.id >= $2
              AND \(ChargeTable.time) >= $3
            """, credential, bound, time)
        calls = try (folded?.integer("calls") ?? 0) + (unfolded?.integer("calls") ?? 0)
        isAtLeast = try folded?.integer("n") ?? 0 > Self.window
    }
}
