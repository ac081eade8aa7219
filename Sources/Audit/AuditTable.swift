package import Database
import Policy

extension Audit {
    /// The tables of this room. No statement of ours changes or deletes a row of them.
    package static let migrations = [
        Migration(
            "audit-1",
            [
                """
                CREATE TABLE audit (
                  id TEXT PRIMARY KEY,
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
            ])
    ]
}

/// The SQL of `audit` and `audit_details`.
enum AuditTable {
    static func insert(_ entry: AuditEntry, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO audit (id, at, actor_id, action, account_id, object, address)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """, entry.id, entry.at, entry.actor, entry.action.rawValue, entry.account, entry.object, entry.address)
        for (field, value) in entry.detail {
            try connection.run(
                "INSERT INTO audit_details (audit_id, field, value) VALUES ($1, $2, $3)", entry.id, field, value)
        }
    }

    static func page(_ page: Page, _ connection: Connection) throws -> [AuditEntry] {
        try connection.rows("SELECT * FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2", page.bound, page.fetch).map {
            row in
            let id = try row.identifier("id")
            guard let action = AuditEntry.Action(rawValue: try row.text("action")) else {
                throw DatabaseFailure.malformedRow(column: "action")
            }
            let details = try connection.rows("SELECT field, value FROM audit_details WHERE audit_id = $1", id)
            return AuditEntry(
                id: id, at: try row.time("at"), actor: try row.optionalIdentifier("actor_id"),
                action: action, account: try row.optionalIdentifier("account_id"),
                object: try row.optionalText("object"),
                detail: try Dictionary(
                    details.map { (try $0.text("field"), try $0.text("value")) }, uniquingKeysWith: { $1 }),
                address: try row.text("address"))
        }
    }
}
