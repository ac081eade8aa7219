import Database
import Policy
import Values

/// The SQL of `accounts` and `account_groups`.
enum AccountTable {
    static func insert(_ account: Account, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO accounts (id, name, credential_cap, default_group, revealable_keys, created_at, updated_at,
              key_rotation_age_days)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """, account.id, account.name, account.cap.value, account.defaultGroup, account.allowsRevealableKeys,
            account.createdAt, account.updatedAt, account.keyRotationAge.days)
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

    static func name(_ id: Identifier, _ connection: Connection) throws -> String? {
        try connection.row("SELECT name FROM accounts WHERE id = $1", id)?.text("name")
    }

    static let inGroup = """
        SELECT count(*) AS number FROM
          (SELECT 1 FROM accounts WHERE default_group = $1 AND closed_at IS NULL LIMIT $2) AS some
        """

    /// How many open accounts have this default group, up to `limit`.
    static func count(in group: String, atMost limit: Int, _ connection: Connection) throws -> Int {
        Int(try connection.row(inGroup, group, limit)?.integer("number") ?? 0)
    }

    static func isOpen(_ id: Identifier, _ connection: Connection) throws -> Bool {
        try connection.row("SELECT 1 AS one FROM accounts WHERE id = $1 AND closed_at IS NULL", id) != nil
    }

    static func isSuspended(_ id: Identifier, _ connection: Connection) throws -> Bool? {
        try connection.row("SELECT suspended_at FROM accounts WHERE id = $1", id)
            .map { try $0.optionalTime("suspended_at") != nil }
    }

    static func update(_ account: Account, _ connection: Connection) throws {
        try connection.run(
            """
            UPDATE accounts SET name = $2, credential_cap = $3, default_group = $4, updated_at = $5,
              suspended_at = CASE WHEN $6 = 0 THEN NULL ELSE coalesce(suspended_at, $5) END, revealable_keys = $7,
              key_rotation_age_days = $8
            WHERE id = $1
            """, account.id, account.name, account.cap.value, account.defaultGroup, account.updatedAt,
            account.isSuspended, account.allowsRevealableKeys, account.keyRotationAge.days)
        try connection.run("DELETE FROM account_groups WHERE account_id = $1", account.id)
        try insertGroups(account, connection)
    }

    static func close(_ id: Identifier, _ now: Timestamp, _ connection: Connection) throws {
        try connection.run(
            """
            UPDATE accounts SET closed_at = $2, suspended_at = coalesce(suspended_at, $2), updated_at = $2
            WHERE id = $1 AND closed_at IS NULL
            """, id, now)
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
        guard let rotationAge = KeyRotationAge(Int(try row.integer("key_rotation_age_days"))) else {
            throw DatabaseFailure.malformedRow(column: "key_rotation_age_days")
        }
        let id = try row.identifier("id")
        let groups = try connection.rows(
            "SELECT group_name FROM account_groups WHERE account_id = $1 ORDER BY group_name", id)
        return Account(
            id: id, name: try row.text("name"), cap: cap, defaultGroup: try row.text("default_group"),
            groups: try groups.map { try $0.text("group_name") },
            isSuspended: try row.optionalTime("suspended_at") != nil, closedAt: try row.optionalTime("closed_at"),
            allowsRevealableKeys: try row.flag("revealable_keys"), keyRotationAge: rotationAge,
            createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at"))
    }
}
