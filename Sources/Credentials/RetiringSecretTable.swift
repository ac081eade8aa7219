import Database
import Secrets
import Values

/// The SQL of `retiring_secrets`: for each key at most one, which works until its end.
enum RetiringSecretTable {
    /// Takes over what was the current secret.
    static func insert(
        _ secret: KeySecret, _ phc: PHCString, until end: Timestamp, of credential: Identifier,
        _ connection: Connection
    ) throws {
        try connection.run(
            """
            INSERT INTO retiring_secrets (credential_id, secret_id, phc, created_at, last_used_at, ends_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            """, credential, secret.id.text, phc.text, secret.createdAt, secret.lastUsedAt, end)
    }

    static func delete(of credential: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM retiring_secrets WHERE credential_id = $1", credential)
    }

    static func noteUse(of secret: TokenID, _ time: Timestamp, _ connection: Connection) throws {
        let row = try connection.row(
            """
            UPDATE retiring_secrets SET last_used_at = $2
            WHERE secret_id = $1 AND (last_used_at IS NULL OR last_used_at < $2 OR last_used_at > $3)
            RETURNING credential_id
            """, secret.text, time, time.adding(Timestamp.slack))
        if let row { try CredentialTable.noteUse(of: row.identifier("credential_id"), time, connection) }
    }

    /// Whether a retiring secret works no more: its time has come, or would come later than any overlap lasts, as a clock
    /// that was ahead has set it.
    static func isOver(_ end: Timestamp, at now: Timestamp) -> Bool { end <= now || end > latestEnd(now) }

    static func latestEnd(_ now: Timestamp) -> Timestamp {
        now.adding(Credentials.longestOverlap + Timestamp.slack)
    }

    /// What has ended opens nothing any more, and needs no hash at rest.
    static func deleteEnded(_ now: Timestamp, _ connection: Connection) throws {
        try connection.run(
            "DELETE FROM retiring_secrets WHERE ends_at <= $1 OR ends_at > $2", now, latestEnd(now))
    }
}
