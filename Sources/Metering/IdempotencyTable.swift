import Database
import Values

/// The SQL of `idempotent_calls` and of `kept_answers`, how much is kept for each key.
enum IdempotencyTable {
    struct Entry {
        let bodyDigest: String
        let hold: Identifier
        let isSettled: Bool
        let hasAnswer: Bool
        let createdAt: Timestamp
    }

    static func find(
        _ key: IdempotencyKey, of credential: Identifier, _ connection: Connection
    ) throws -> Entry? {
        try connection.row(
            """
            SELECT body_digest, hold_id, is_settled, answer_bytes > 0 AS has_answer, created_at FROM idempotent_calls
            WHERE credential_id = $1 AND key_digest = $2
            """, credential, key.keyDigest
        ).map { row in
            Entry(
                bodyDigest: try row.text("body_digest"), hold: try row.identifier("hold_id"),
                isSettled: try row.flag("is_settled"), hasAnswer: try row.flag("has_answer"),
                createdAt: try row.time("created_at"))
        }
    }

    static func insert(_ key: IdempotencyKey, of hold: Hold, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO idempotent_calls
              (credential_id, key_digest, body_digest, hold_id, is_settled, answer_bytes, created_at)
            VALUES ($1, $2, $3, $4, 0, 0, $5)
            """, hold.call.credential, key.keyDigest, key.bodyDigest, hold.id, hold.call.time)
    }

    /// What a repetition gets. Read outside of the writer's transaction: it may be large, and nobody has to wait for it.
    static func answer(
        _ key: IdempotencyKey, of credential: Identifier, _ connection: Connection
    ) throws -> String? {
        try connection.row(
            "SELECT answer FROM idempotent_calls WHERE credential_id = $1 AND key_digest = $2", credential,
            key.keyDigest
        )?.optionalText("answer")
    }

    /// The call was served; `answer` is what a repetition gets, unless the key has too much kept for it already.
    static func settle(
        _ key: IdempotencyKey, of credential: Identifier, answer: String?, _ connection: Connection
    ) throws {
        var answer = answer
        if let bytes = answer?.utf8.count {
            let kept = try connection.run(
                """
                INSERT INTO kept_answers (credential_id, bytes) VALUES ($1, $2)
                ON CONFLICT (credential_id) DO UPDATE SET bytes = kept_answers.bytes + excluded.bytes
                WHERE kept_answers.bytes + excluded.bytes <= $3
                """, credential, bytes, IdempotencyKey.kept)
            if kept == 0 { answer = nil }
        }
        try connection.run(
            """
            UPDATE idempotent_calls SET is_settled = 1, answer = $3, answer_bytes = $4
            WHERE credential_id = $1 AND key_digest = $2
            """, credential, key.keyDigest, answer, answer?.utf8.count ?? 0)
    }

    static func delete(_ key: IdempotencyKey, of credential: Identifier, _ connection: Connection) throws {
        let row = try connection.row(
            "DELETE FROM idempotent_calls WHERE credential_id = $1 AND key_digest = $2 RETURNING answer_bytes",
            credential, key.keyDigest)
        if let row { try giveBack(try row.integer("answer_bytes"), of: credential, connection) }
    }

    private static func giveBack(_ bytes: Int64, of credential: Identifier, _ connection: Connection) throws {
        if bytes == 0 { return }
        try connection.run(
            "UPDATE kept_answers SET bytes = bytes - $2 WHERE credential_id = $1", credential, bytes)
    }

    /// At a start nothing is in flight.
    static func deleteOpen(_ connection: Connection) throws {
        try connection.run("DELETE FROM idempotent_calls WHERE is_settled = 0")
    }

    /// A few of what is not remembered any more with each new one, so that the table never needs a job and no call waits
    /// for a large clean-up.
    static func deleteExpired(at now: Timestamp, atMost limit: Int, _ connection: Connection) throws {
        let oldest = now.adding(.zero - IdempotencyKey.lifetime)
        // Two statements, each a walk from one end of the index.
        let gone = try connection.rows(
            """
            DELETE FROM idempotent_calls WHERE (credential_id, key_digest) IN (
              SELECT credential_id, key_digest FROM idempotent_calls
              WHERE created_at <= $1 AND is_settled = 1 ORDER BY created_at LIMIT $2)
            RETURNING credential_id, answer_bytes
            """, oldest, limit)
        let ahead = try connection.rows(
            """
            DELETE FROM idempotent_calls WHERE (credential_id, key_digest) IN (
              SELECT credential_id, key_digest FROM idempotent_calls
              WHERE created_at >= $1 AND is_settled = 1 ORDER BY created_at DESC LIMIT $2)
            RETURNING credential_id, answer_bytes
            """, now.adding(IdempotencyKey.lifetime), limit)
        for row in gone + ahead {
            try giveBack(try row.integer("answer_bytes"), of: row.identifier("credential_id"), connection)
        }
    }
}
