import Database
import Policy

/// The SQL of `sessions`.
enum SessionTable {
    struct Found: Sendable {
        let id: Identifier
        let user: User
        let lastSeen: Timestamp
        let expiresAt: Timestamp
    }

    static func insert(
        _ id: Identifier, _ digest: String, _ user: Identifier, _ now: Timestamp, _ expiresAt: Timestamp,
        _ connection: Connection
    ) throws {
        try connection.run(
            """
            INSERT INTO sessions (id, digest, user_id, created_at, last_seen_at, expires_at)
            VALUES ($1, $2, $3, $4, $4, $5)
            """, id, digest, user, now, expiresAt)
    }

    static func find(_ digest: String, _ connection: Connection) throws -> Found? {
        try connection.row(
            """
            SELECT sessions.id, sessions.last_seen_at, sessions.expires_at, \(UserTable.columns)
            FROM sessions JOIN users ON users.id = sessions.user_id WHERE sessions.digest = $1
            """, digest
        ).map { row in
            Found(
                id: try row.identifier("id"), user: try UserTable.user(row), lastSeen: try row.time("last_seen_at"),
                expiresAt: try row.time("expires_at"))
        }
    }

    static func touch(_ id: Identifier, _ now: Timestamp, _ connection: Connection) throws {
        try connection.run("UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2", id, now)
    }

    static func delete(_ id: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM sessions WHERE id = $1", id)
    }

    static func deleteEnded(_ now: Timestamp, idle: Duration, _ connection: Connection) throws {
        try connection.run(
            "DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2", now, now.adding(.zero - idle))
    }
}
