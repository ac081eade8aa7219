import Database
import Secrets
import Values

/// The SQL of `platform_tokens`.
enum PlatformTokenTable {
    struct Found: Sendable {
        let user: User
        let phc: PHCString
        let scopes: [Scope]
        let expiresAt: Timestamp?
    }

    static func insert(_ token: PlatformToken, _ key: String, _ phc: PHCString, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO platform_tokens (id, user_id, secret_id, phc, name, scopes, expires_at, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """, token.id, token.user, key, phc.text, token.name,
            token.scopes.map(\.rawValue).joined(separator: " "), token.expiresAt, token.createdAt)
    }

    static func countLive(of user: Identifier, _ now: Timestamp, _ connection: Connection) throws -> Int {
        let row = try connection.row(
            """
            SELECT count(*) AS live FROM platform_tokens
            WHERE user_id = $1 AND (expires_at IS NULL OR expires_at > $2)
            """, user, now)
        return Int(try row?.integer("live") ?? 0)
    }

    static func page(
        of user: Identifier, _ page: Page, _ format: TokenFormat, _ connection: Connection
    ) throws -> [PlatformToken] {
        try connection.rows(
            "SELECT * FROM platform_tokens WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3", user, page.bound,
            page.fetch
        ).map { row in
            guard let key = TokenID(try row.text("secret_id")) else {
                throw DatabaseFailure.malformedRow(column: "secret_id")
            }
            return PlatformToken(
                id: try row.identifier("id"), user: try row.identifier("user_id"), name: try row.text("name"),
                scopes: try scopes(row), expiresAt: try row.optionalTime("expires_at"),
                createdAt: try row.time("created_at"), hint: format.hint(forID: key))
        }
    }

    /// Returns the public id of the secret of what was deleted.
    static func delete(_ id: Identifier, of user: Identifier, _ connection: Connection) throws -> String? {
        try connection.row(
            "DELETE FROM platform_tokens WHERE id = $1 AND user_id = $2 RETURNING secret_id", id, user
        )?.text("secret_id")
    }

    static func deleteAll(of user: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM platform_tokens WHERE user_id = $1", user)
    }

    static func find(_ key: String, _ connection: Connection) throws -> Found? {
        try connection.row(
            """
            SELECT platform_tokens.phc, platform_tokens.scopes, platform_tokens.expires_at, \(UserTable.columns)
            FROM platform_tokens JOIN users ON users.id = platform_tokens.user_id
            WHERE platform_tokens.secret_id = $1 AND users.removed_at IS NULL
            """, key
        ).map { row in
            Found(
                user: try UserTable.user(row), phc: try row.phc("phc"), scopes: try scopes(row),
                expiresAt: try row.optionalTime("expires_at"))
        }
    }

    private static func scopes(_ row: Row) throws -> [Scope] {
        try row.text("scopes").split(separator: " ").map { text in
            guard let scope = Scope(rawValue: String(text)) else {
                throw DatabaseFailure.malformedRow(column: "scopes")
            }
            return scope
        }
    }
}
