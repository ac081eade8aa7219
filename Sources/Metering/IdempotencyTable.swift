import Database
import Policy

/// The SQL of `idempotent_calls`.
enum IdempotencyTable {
    struct Entry {
        let bodyDigest: String
        let hold: Identifier
        let isSettled: Bool
        let answer: String?
        let createdAt: Timestamp
    }

    static func find(
        _ key: IdempotencyKey, of credential: Identifier, _ connection: Connection
    ) throws -> Entry? {
        try connection.row(
            """
            SELECT body_digest, hold_id, is_settled, answer, created_at FROM idempotent_calls
            WHERE credential_id = $1 AND key_digest = $2
            """, credential, key.keyDigest
        ).map { row in
            Entry(
                bodyDigest: try row.text("body_digest"), hold: try row.identifier("hold_id"),
                isSettled: try row.flag("is_settled"), answer: try row.optionalText("answer"),
                createdAt: try row.time("created_at"))
        }
    }

    static func insert(_ key: IdempotencyKey, of hold: Hold, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO idempotent_calls (credential_id, key_digest, body_digest, hold_id, is_settled, created_at)
            VALUES ($1, $2, $3, $4, 0, $5)
            """, hold.call.credential, key.keyDigest, key.bodyDigest, hold.id, hold.call.time)
    }

    /// The call was served; `answer` is what a repetition gets.
    static func settle(
        _ key: IdempotencyKey, of credential: Identifier, answer: String?, _ connection: Connection
    ) throws {
        try connection.run(
            "UPDATE idempotent_calls SET is_settled = 1, answer = $3 WHERE credential_id = $1 AND key_digest = $2",
            credential, key.keyDigest, answer)
    }

    static func delete(_ key: IdempotencyKey, of credential: Identifier, _ connection: Connection) throws {
        try connection.run(
            "DELETE FROM idempotent_calls WHERE credential_id = $1 AND key_digest = $2", credential, key.keyDigest)
    }

    /// At a start nothing is in flight.
    static func deleteOpen(_ connection: Connection) throws {
        try connection.run("DELETE FROM idempotent_calls WHERE is_settled = 0")
    }

    /// A few of the oldest with each new one, so that the table never needs a job and no call waits for a large clean-up.
    static func deleteExpired(before time: Timestamp, atMost limit: Int, _ connection: Connection) throws {
        try connection.run(
            """
            DELETE FROM idempotent_calls WHERE (credential_id, key_digest) IN (
              SELECT credential_id, key_digest FROM idempotent_calls
              WHERE created_at <= $1 AND is_settled = 1 ORDER BY created_at LIMIT $2)
            """, time, limit)
    }
}
