package import Database
import Values

extension Audit {
    /// The tables of this room. No statement of ours changes or deletes a row of them.
    package static let migrations = [
        Migration(
            "audit-1",
            [
                """
                CREATE TABLE deployment (
                  one BIGINT PRIMARY KEY CHECK (one = 1),
                  keys_fingerprint TEXT NOT NULL
                )
                """,
                """
                CREATE TABLE audit (
                  id TEXT PRIMARY KEY,
                  sequence BIGINT NOT NULL UNIQUE,
                  hash TEXT NOT NULL,
                  at BIGINT NOT NULL,
                  actor_id TEXT,
                  action TEXT NOT NULL,
                  account_id TEXT,
                  object TEXT,
                  address TEXT NOT NULL
                )
                """,
                """
                CREATE TABLE audit_details (
                  audit_id TEXT NOT NULL REFERENCES audit (id),
                  field TEXT NOT NULL,
                  value TEXT NOT NULL,
                  PRIMARY KEY (audit_id, field)
                )
                """,
                "CREATE TABLE audit_ahead (microseconds BIGINT PRIMARY KEY)",
                "CREATE INDEX audit_by_account ON audit (account_id, id)",
                "CREATE INDEX audit_by_account_and_actor ON audit (account_id, actor_id, id)",
                "CREATE INDEX audit_by_account_and_action ON audit (account_id, action, id)",
                "CREATE INDEX audit_by_actor ON audit (actor_id, id)",
                "CREATE INDEX audit_by_action ON audit (action, id)",
            ])
    ]
}

/// The SQL of `audit`, `audit_details` and `audit_ahead`.
enum AuditTable {
    static func insert(_ entry: AuditEntry, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO audit (id, sequence, hash, at, actor_id, action, account_id, object, address)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """, entry.id, entry.link.sequence, entry.link.hash, entry.at, entry.actor, entry.action.rawValue,
            entry.account, entry.object, entry.address)
        for (field, value) in entry.detail {
            try connection.run(
                "INSERT INTO audit_details (audit_id, field, value) VALUES ($1, $2, $3)", entry.id, field, value)
        }
        try noteAhead(of: entry, connection)
    }

    /// The end of the chain; `nil` before its first entry.
    static func last(_ connection: Connection) throws -> (link: AuditEntry.Link, id: Identifier)? {
        try connection.row("SELECT sequence, hash, id FROM audit ORDER BY sequence DESC LIMIT 1")
            .map { (try link($0), try $0.identifier("id")) }
    }

    /// By how many microseconds the identifier of any entry was ahead of its time, at most: zero until a clock steps back.
    static func ahead(_ connection: Connection) throws -> Int64 {
        try connection.row("SELECT coalesce(max(microseconds), 0) AS ahead FROM audit_ahead")?.integer("ahead") ?? 0
    }

    private static func noteAhead(of entry: AuditEntry, _ connection: Connection) throws {
        let ahead = entry.id.milliseconds * 1000 - entry.at.microseconds
        if ahead > 0, try ahead > self.ahead(connection) {
            try connection.run("INSERT INTO audit_ahead (microseconds) VALUES ($1)", ahead)
        }
    }

    /// Whether there is an entry without a place, which the schema refuses.
    static func hasUnlinked(_ connection: Connection) throws -> Bool {
        try connection.row("SELECT 1 AS one FROM audit WHERE sequence IS NULL LIMIT 1") != nil
    }

    /// A stretch of the chain in its order.
    static func links(
        from sequence: Int64, atMost limit: Int, _ connection: Connection
    ) throws -> [Result<AuditEntry, DatabaseFailure>] {
        try connection.rows(
            "SELECT * FROM audit WHERE sequence >= $1 ORDER BY sequence LIMIT $2", sequence, limit
        ).map { row in
            do {
                return .success(try entry(row, connection))
            } catch let failure as DatabaseFailure {
                // A row that nobody of ours could have written is one that was altered.
                guard case .malformedRow = failure else { throw failure }
                return .failure(failure)
            }
        }
    }

    static func entry(_ row: Row, _ connection: Connection) throws -> AuditEntry {
        let id = try row.identifier("id")
        guard let action = AuditEntry.Action(rawValue: try row.text("action")) else {
            throw DatabaseFailure.malformedRow(column: "action")
        }
        let details = try connection.rows("SELECT field, value FROM audit_details WHERE audit_id = $1", id)
        return AuditEntry(
            id: id, link: try link(row), at: try row.time("at"), actor: try row.optionalIdentifier("actor_id"),
            action: action, account: try row.optionalIdentifier("account_id"),
            object: try row.optionalText("object"),
            detail: try Dictionary(
                details.map { (try $0.text("field"), try $0.text("value")) }, uniquingKeysWith: { $1 }),
            address: try row.text("address"))
    }

    private static func link(_ row: Row) throws -> AuditEntry.Link {
        AuditEntry.Link(sequence: try row.integer("sequence"), hash: try row.text("hash"))
    }
}
