import Database
import Values

/// The SQL of `idempotent_calls`, which were charged, and of `kept_answers`, how much is kept for each key.
enum IdempotencyTable {
    struct Entry {
        let bodyDigest: String
        /// The number of its charge.
        let charge: Int64
        let createdAt: Timestamp
    }

    static func find(
        _ key: IdempotencyKey, of credential: Identifier, _ connection: Connection
    ) throws -> Entry? {
        try connection.row(
            """
            SELECT body_digest, charge, created_at FROM idempotent_calls WHERE credential_id = $1 AND key_digest = $2
            """, credential, key.keyDigest
        ).map { row in
            Entry(
                bodyDigest: try row.text("body_digest"), charge: try row.integer("charge"),
                createdAt: try row.time("created_at"))
        }
    }

    /// What a repetition gets. It may be large.
    static func answer(
        _ key: IdempotencyKey, of credential: Identifier, _ connection: Connection
    ) throws -> String? {
        try connection.row(
            "SELECT answer FROM idempotent_calls WHERE credential_id = $1 AND key_digest = $2", credential,
            key.keyDigest
        )?.optionalText("answer")
    }

    /// A call that is charged; `answer` is what a repetition gets, unless the key has too much kept for it already. It
    /// takes the place of one that is not remembered any more.
    static func insert(
        _ key: IdempotencyKey, of hold: Hold, answer: String?, _ connection: Connection
    ) throws {
        let credential = hold.call.credential
        try delete(key, of: credential, connection)
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
            INSERT INTO idempotent_calls
              (credential_id, key_digest, body_digest, charge, answer_bytes, created_at, answer)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """, credential, key.keyDigest, key.bodyDigest, hold.number, answer?.utf8.count ?? 0, hold.call.time, answer
        )
    }

    private static func delete(_ key: IdempotencyKey, of credential: Identifier, _ connection: Connection) throws {
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

    /// A few of what is not remembered any more with each new one, so that the table never needs a job and no call waits
    /// for a large clean-up.
    static func deleteExpired(at now: Timestamp, atMost limit: Int, _ connection: Connection) throws {
        let oldest = now.adding(.zero - IdempotencyKey.lifetime)
        // Two statements, each a walk from one end of the index.
        let gone = try connection.rows(
            """
            DELETE FROM idempotent_calls WHERE (credential_id, key_digest) IN (
              SELECT credential_id, key_digest FROM idempotent_calls
              WHERE created_at <= $1 ORDER BY created_at LIMIT $2)
            RETURNING credential_id, answer_bytes
            """, oldest, limit)
        let ahead = try connection.rows(
            """
            DELETE FROM idempotent_calls WHERE (credential_id, key_digest) IN (
              SELECT credential_id, key_digest FROM idempotent_calls
              WHERE created_at >= $1 ORDER BY created_at DESC LIMIT $2)
            RETURNING credential_id, answer_bytes
            """, now.adding(IdempotencyKey.lifetime), limit)
        for row in gone + ahead {
            try giveBack(try row.integer("answer_bytes"), of: row.identifier("credential_id"), connection)
        }
    }
}
