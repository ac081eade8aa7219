package import Database
import Policy
package import Secrets

extension Accounts {
    /// The tables of this room.
    package static let migrations = [
        Migration(
            "accounts-1",
            [
                """
                CREATE TABLE accounts (
                  id TEXT PRIMARY KEY,
                  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
                  credential_cap BIGINT NOT NULL CHECK (credential_cap BETWEEN 3 AND 10),
                  created_at BIGINT NOT NULL,
                  updated_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE users (
                  id TEXT PRIMARY KEY,
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  email TEXT NOT NULL UNIQUE CHECK (email = lower(email)),
                  password_phc TEXT NOT NULL,
                  is_admin BIGINT NOT NULL CHECK (is_admin IN (0, 1)),
                  created_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE invitations (
                  id TEXT PRIMARY KEY,
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  email TEXT NOT NULL UNIQUE,
                  digest TEXT NOT NULL UNIQUE,
                  expires_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE sessions (
                  id TEXT PRIMARY KEY,
                  digest TEXT NOT NULL UNIQUE,
                  user_id TEXT NOT NULL REFERENCES users (id),
                  created_at BIGINT NOT NULL,
                  last_seen_at BIGINT NOT NULL,
                  expires_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE platform_tokens (
                  id TEXT PRIMARY KEY,
                  user_id TEXT NOT NULL REFERENCES users (id),
                  key_id TEXT NOT NULL UNIQUE,
                  phc TEXT NOT NULL,
                  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
                  scopes TEXT NOT NULL,
                  expires_at BIGINT,
                  created_at BIGINT NOT NULL
                )
                """,
                "CREATE INDEX platform_tokens_by_user ON platform_tokens (user_id)",
            ]),
        Migration(
            "accounts-2",
            [
                "ALTER TABLE accounts ADD COLUMN suspended_at BIGINT",
                "ALTER TABLE accounts ADD COLUMN default_group TEXT REFERENCES pricing_groups (name)",
                "UPDATE accounts SET default_group = 'standard'",
                """
                CREATE TABLE account_groups (
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  group_name TEXT NOT NULL REFERENCES pricing_groups (name),
                  PRIMARY KEY (account_id, group_name)
                )
                """,
            ]),
    ]
}

/// The SQL of `accounts` and `account_groups`.
enum AccountTable {
    static func insert(_ account: Account, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO accounts (id, name, credential_cap, default_group, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            """, account.id, account.name, account.cap.value, account.defaultGroup, account.createdAt,
            account.updatedAt)
        try insertGroups(account, connection)
    }

    static func page(_ page: Page, _ connection: Connection) throws -> [Account] {
        try connection.rows(
            "SELECT * FROM accounts WHERE id < $1 ORDER BY id DESC LIMIT $2", page.bound, page.fetch
        ).map { try account($0, connection) }
    }

    static func find(_ id: Identifier, _ connection: Connection) throws -> Account? {
        try connection.row("SELECT * FROM accounts WHERE id = $1", id).map { try account($0, connection) }
    }

    static func isSuspended(_ id: Identifier, _ connection: Connection) throws -> Bool? {
        try connection.row("SELECT suspended_at FROM accounts WHERE id = $1", id)
            .map { try $0.optionalTime("suspended_at") != nil }
    }

    static func update(_ account: Account, _ connection: Connection) throws {
        try connection.run(
            """
            UPDATE accounts SET name = $2, credential_cap = $3, default_group = $4, updated_at = $5,
              suspended_at = CASE WHEN $6 = 0 THEN NULL ELSE coalesce(suspended_at, $5) END
            WHERE id = $1
            """, account.id, account.name, account.cap.value, account.defaultGroup, account.updatedAt,
            account.isSuspended)
        try connection.run("DELETE FROM account_groups WHERE account_id = $1", account.id)
        try insertGroups(account, connection)
    }

    private static func insertGroups(_ account: Account, _ connection: Connection) throws {
        for group in account.groups {
            try connection.run(
                "INSERT INTO account_groups (account_id, group_name) VALUES ($1, $2)", account.id, group)
        }
    }

    private static func account(_ row: Row, _ connection: Connection) throws -> Account {
        guard let cap = CredentialCap(Int(try row.integer("credential_cap"))) else {
            throw DatabaseFailure.malformedRow(column: "credential_cap")
        }
        let id = try row.identifier("id")
        let groups = try connection.rows(
            "SELECT group_name FROM account_groups WHERE account_id = $1 ORDER BY group_name", id)
        return Account(
            id: id, name: try row.text("name"), cap: cap, defaultGroup: try row.text("default_group"),
            groups: try groups.map { try $0.text("group_name") },
            isSuspended: try row.optionalTime("suspended_at") != nil, createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at"))
    }
}

/// The SQL of `users`.
enum UserTable {
    static let columns =
        "users.id AS user_id, users.account_id, users.email, users.is_admin, users.created_at AS user_since"

    static func insert(_ user: User, _ phc: PHCString, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO users (id, account_id, email, password_phc, is_admin, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            """, user.id, user.account, user.email, phc.text, user.isAdmin, user.createdAt)
    }

    static func isAnyone(_ connection: Connection) throws -> Bool {
        try connection.row("SELECT 1 AS one FROM users LIMIT 1") != nil
    }

    static func find(email: String, _ connection: Connection) throws -> (user: User, phc: PHCString)? {
        guard let row = try connection.row("SELECT \(columns), password_phc FROM users WHERE email = $1", email) else {
            return nil
        }
        return (try user(row), try row.phc("password_phc"))
    }

    static func setPassword(_ phc: PHCString, of user: Identifier, _ connection: Connection) throws {
        try connection.run("UPDATE users SET password_phc = $2 WHERE id = $1", user, phc.text)
    }

    static func user(_ row: Row) throws -> User {
        User(
            id: try row.identifier("user_id"), account: try row.identifier("account_id"), email: try row.text("email"),
            isAdmin: try row.flag("is_admin"), createdAt: try row.time("user_since"))
    }
}

/// The SQL of `invitations`.
enum InvitationTable {
    static func replace(_ invitation: Invitation, _ digest: String, _ now: Timestamp, _ connection: Connection) throws {
        try connection.run("DELETE FROM invitations WHERE email = $1 OR expires_at <= $2", invitation.email, now)
        try connection.run(
            "INSERT INTO invitations (id, account_id, email, digest, expires_at) VALUES ($1, $2, $3, $4, $5)",
            invitation.id, invitation.account, invitation.email, digest, invitation.expiresAt)
    }

    static func find(_ digest: String, _ now: Timestamp, _ connection: Connection) throws -> Invitation? {
        try connection.row("SELECT * FROM invitations WHERE digest = $1 AND expires_at > $2", digest, now).map { row in
            Invitation(
                id: try row.identifier("id"), account: try row.identifier("account_id"), email: try row.text("email"),
                expiresAt: try row.time("expires_at"))
        }
    }

    static func delete(_ digest: String, _ now: Timestamp, _ connection: Connection) throws -> Int {
        try connection.run("DELETE FROM invitations WHERE digest = $1 AND expires_at > $2", digest, now)
    }
}

extension Row {
    /// A stored Argon2id hash.
    package func phc(_ column: String) throws -> PHCString {
        guard let phc = PHCString(try text(column)) else { throw DatabaseFailure.malformedRow(column: column) }
        return phc
    }
}
