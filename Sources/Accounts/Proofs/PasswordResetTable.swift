import Database
import Values

/// The SQL of `password_resets`.
enum PasswordResetTable {
    /// An older one of the same user stops working.
    static func replace(_ reset: PasswordReset, _ digest: String, _ now: Timestamp, _ connection: Connection) throws {
        try connection.run("DELETE FROM password_resets WHERE user_id = $1 OR expires_at <= $2", reset.user, now)
        try connection.run(
            "INSERT INTO password_resets (id, user_id, digest, expires_at) VALUES ($1, $2, $3, $4)", reset.id,
            reset.user, digest, reset.expiresAt)
    }

    /// Whose password it may reset. One whose time ends later than any made now would was made by a clock that was ahead,
    /// and is as good as over.
    static func find(_ digest: String, _ now: Timestamp, _ connection: Connection) throws -> UserTable.Found? {
        try connection.row(
            """
            SELECT \(UserTable.secretColumns) FROM password_resets JOIN users ON users.id = password_resets.user_id
            \(UserTable.withRevealPair)
            WHERE password_resets.digest = $1 AND password_resets.expires_at > $2 AND password_resets.expires_at <= $3
            """, digest, now, now.adding(PasswordReset.lifetime + Timestamp.slack)
        ).map { try UserTable.found($0) }
    }

    static func delete(of user: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM password_resets WHERE user_id = $1", user)
    }
}
