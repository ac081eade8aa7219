import Database
import Values

/// The SQL of `sessions`.
enum SessionTable {
    struct Found: Sendable {
        let id: Identifier
        let user: User
        let lastSeen: Timestamp
        let authenticatedAt: Timestamp
        let expiresAt: Timestamp
    }

    static func insert(
        _ id: Identifier, _ digest: String, _ user: Identifier, _ now: Timestamp, _ expiresAt: Timestamp,
        _ connection: Connection
    ) throws {
        try connection.run(
            """
            INSERT INTO sessions (id, digest, user_id, created_at, last_seen_at, authenticated_at, expires_at)
            VALUES ($1, $2, $3, $4, $4, $4, $5)
            """, id, digest, user, now, expiresAt)
    }

    static func find(_ digest: String, _ connection: Connection) throws -> Found? {
        try connection.row(
            """
            SELECT sessions.id, sessions.last_seen_at, sessions.authenticated_at, sessions.expires_at,
              \(UserTable.columns)
            FROM sessions JOIN users ON users.id = sessions.user_id
            WHERE sessions.digest = $1 AND users.removed_at IS NULL
            """, digest
        ).map { row in
            Found(
                id: try row.identifier("id"), user: try UserTable.user(row), lastSeen: try row.time("last_seen_at"),
                authenticatedAt: try row.time("authenticated_at"), expiresAt: try row.time("expires_at"))
        }
    }

    static func touch(_ id: Identifier, _ now: Timestamp, _ connection: Connection) throws {
        try connection.run("UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2", id, now)
    }

    /// A session whose person has proved who they are again goes on under a new token.
    /// - Returns: when it ends; `nil` when it has ended.
    static func renew(
        _ id: Identifier, _ digest: String, _ now: Timestamp, _ connection: Connection
    ) throws -> Timestamp? {
        try connection.row(
            """
            UPDATE sessions SET digest = $2, last_seen_at = $3, authenticated_at = $3 WHERE id = $1 AND expires_at > $3
            RETURNING expires_at
            """, id, digest, now
        ).map { try $0.time("expires_at") }
    }

    /// - Parameter kept: the one session that goes on.
    static func deleteAll(of user: Identifier, but kept: Identifier? = nil, _ connection: Connection) throws {
        try connection.run(
            "DELETE FROM sessions WHERE user_id = $1 AND id <> $2", user, kept?.description ?? "")
    }

    static func delete(_ id: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM sessions WHERE id = $1", id)
    }

    /// Those that have not ended.
    static func page(
        of user: Identifier, _ page: Page, _ now: Timestamp, idle: Duration, _ connection: Connection
    ) throws -> [SessionSummary] {
        try connection.rows(
            """
            SELECT * FROM sessions WHERE user_id = $1 AND id < $2 AND expires_at > $4
              AND last_seen_at > $5 AND last_seen_at <= $6
            ORDER BY id DESC LIMIT $3
            """, user, page.bound, page.fetch, now, now.adding(.zero - idle), now.adding(Timestamp.slack)
        ).map {
            SessionSummary(
                id: try $0.identifier("id"), createdAt: try $0.time("created_at"),
                lastSeenAt: try $0.time("last_seen_at"), expiresAt: try $0.time("expires_at"))
        }
    }

    static func delete(_ id: Identifier, of user: Identifier, _ connection: Connection) throws -> Int {
        try connection.run("DELETE FROM sessions WHERE id = $1 AND user_id = $2", id, user)
    }

    /// All but the newest so many.
    static func deleteOldest(of user: Identifier, keeping count: Int, _ connection: Connection) throws {
        try connection.run(
            """
            DELETE FROM sessions WHERE user_id = $1
              AND id NOT IN (SELECT id FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT $2)
            """, user, count)
    }

    static func deleteEnded(_ now: Timestamp, idle: Duration, _ connection: Connection) throws {
        try connection.run(
            "DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2 OR last_seen_at > $3", now,
            now.adding(.zero - idle), now.adding(Timestamp.slack))
    }
}
