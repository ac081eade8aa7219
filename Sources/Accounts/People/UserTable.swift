package import Database
package import Secrets
import Values

/// The SQL of `users`. A removed user keeps the row, for the history that names it, and loses everything else.
enum UserTable {
    static let columns =
        """
        users.id AS user_id, users.account_id, users.email, users.role, users.is_admin, users.created_at AS user_since,
        CASE WHEN users.totp_secret IS NULL THEN 0 ELSE 1 END AS has_second_factor
        """
    /// The same with what only a proof of the person needs.
    static let secretColumns =
        columns + ", users.password_phc, reveal_keys.id AS reveal_key_id, reveal_keys.private_key"
    static let withRevealPair = "LEFT JOIN reveal_keys ON reveal_keys.user_id = users.id"

    /// A user with what a proof is held against.
    struct Found: Sendable {
        let user: User
        let phc: PHCString
        let revealKey: (id: Identifier, locked: LockedRevealPair)?
    }

    static func insert(_ user: User, _ lock: PasswordLock, _ connection: Connection) throws {
        let count = try connection.run(
            """
            INSERT INTO users (id, account_id, email, role, password_phc, is_admin, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING
            """, user.id, user.account, user.email, user.role.rawValue, lock.phc.text, user.isAdmin, user.createdAt)
        guard count == 1 else { throw AccountsError.emailTaken }
        try RevealPairTable.store(lock, of: user.id, connection)
    }

    static func isAnyone(_ connection: Connection) throws -> Bool {
        try connection.row("SELECT 1 AS one FROM users LIMIT 1") != nil
    }

    static func isAnyone(withEmail email: String, _ connection: Connection) throws -> Bool {
        try connection.row("SELECT 1 AS one FROM users WHERE email = $1", email) != nil
    }

    static func phc(ofEmail email: String, _ connection: Connection) throws -> String? {
        try connection.row("SELECT password_phc FROM users WHERE email = $1 AND removed_at IS NULL", email)?
            .text("password_phc")
    }

    static func find(email: String, _ connection: Connection) throws -> Found? {
        try connection.row(
            "SELECT \(secretColumns) FROM users \(withRevealPair) WHERE email = $1 AND removed_at IS NULL", email
        )
        .map { try found($0) }
    }

    static func find(_ id: Identifier, of account: Identifier, _ connection: Connection) throws -> Found? {
        try connection.row(
            """
            SELECT \(secretColumns) FROM users \(withRevealPair)
            WHERE users.id = $1 AND users.account_id = $2 AND users.removed_at IS NULL
            """, id, account
        ).map { try found($0) }
    }

    static func page(of account: Identifier, _ page: Page, _ connection: Connection) throws -> [User] {
        try connection.rows(
            """
            SELECT \(columns) FROM users WHERE account_id = $1 AND id < $2 AND removed_at IS NULL
            ORDER BY id DESC LIMIT $3
            """, account, page.bound, page.fetch
        ).map { try user($0) }
    }

    static func everyone(of account: Identifier, _ connection: Connection) throws -> Set<Identifier> {
        Set(
            try connection.rows("SELECT id FROM users WHERE account_id = $1", account).map {
                try $0.identifier("id")
            })
    }

    static func count(of account: Identifier, _ connection: Connection) throws -> Int64 {
        try connection.row(
            "SELECT count(*) AS users FROM users WHERE account_id = $1 AND removed_at IS NULL", account
        )?.integer("users") ?? 0
    }

    static func countRoots(of account: Identifier, _ connection: Connection) throws -> Int64 {
        try connection.row(
            "SELECT count(*) AS roots FROM users WHERE account_id = $1 AND role = 'root' AND removed_at IS NULL",
            account)?.integer("roots") ?? 0
    }

    /// - Parameter account: those in it don't count; `nil` for all.
    static func countAdmins(outside account: Identifier? = nil, _ connection: Connection) throws -> Int64 {
        try connection.row(
            "SELECT count(*) AS admins FROM users WHERE is_admin = 1 AND removed_at IS NULL AND account_id <> $1",
            account?.description ?? ""
        )?.integer("admins") ?? 0
    }

    /// All who have not been removed.
    static func all(of account: Identifier, _ connection: Connection) throws -> [User] {
        try connection.rows(
            "SELECT \(columns) FROM users WHERE account_id = $1 AND removed_at IS NULL ORDER BY id", account
        ).map { try user($0) }
    }

    static func setRole(_ role: Role, of user: Identifier, _ connection: Connection) throws {
        try connection.run("UPDATE users SET role = $2 WHERE id = $1", user, role.rawValue)
    }

    static func setPassword(_ lock: PasswordLock, of user: Identifier, _ connection: Connection) throws {
        try connection.run("UPDATE users SET password_phc = $2 WHERE id = $1", user, lock.phc.text)
        try RevealPairTable.store(lock, of: user, connection)
    }

    static func remove(_ user: Identifier, _ now: Timestamp, _ connection: Connection) throws {
        // The address is free for another invitation: no address has a colon.
        try connection.run(
            """
            UPDATE users SET removed_at = $2, email = 'removed:' || id, password_phc = '', totp_secret = NULL,
              totp_draft = NULL
            WHERE id = $1
            """, user, now)
    }

    static func user(_ row: Row) throws -> User {
        User(
            id: try row.identifier("user_id"), account: try row.identifier("account_id"), email: try row.text("email"),
            role: try row.role("role"), isAdmin: try row.flag("is_admin"),
            hasSecondFactor: try row.flag("has_second_factor"), createdAt: try row.time("user_since"))
    }

    static func found(_ row: Row) throws -> Found {
        let key = try row.optionalIdentifier("reveal_key_id").map { id in
            guard let locked = LockedRevealPair(try row.text("private_key")) else {
                throw DatabaseFailure.malformedRow(column: "private_key")
            }
            return (id: id, locked: locked)
        }
        return Found(user: try user(row), phc: try row.phc("password_phc"), revealKey: key)
    }
}

extension Row {
    func role(_ column: String) throws -> Role {
        guard let role = Role(rawValue: try text(column)) else { throw DatabaseFailure.malformedRow(column: column) }
        return role
    }

    /// A stored Argon2id hash.
    package func phc(_ column: String) throws -> PHCString {
        guard let phc = PHCString(try text(column)) else { throw DatabaseFailure.malformedRow(column: column) }
        return phc
    }
}
