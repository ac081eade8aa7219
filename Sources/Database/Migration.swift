import GRDB
import Values

/// One step of the schema, brought by the domain that owns the tables. Steps only go forward; once released, a step
/// never changes.
package struct Migration: Sendable {
    /// Unique for ever, such as `accounts-1`.
    package let name: String
    package let statements: [String]

    package init(_ name: String, _ statements: [String]) {
        self.name = name
        self.statements = statements
    }

    /// For a reader: nothing is brought up to date, so it has to be.
    static func checkUpToDate(_ connection: Connection, _ migrations: [Migration]) throws {
        let applied = try connection.rows("SELECT name FROM schema_migrations").map { try $0.text("name") }
        try refuseNewer(applied, migrations)
        if let missing = migrations.first(where: { !applied.contains($0.name) }) {
            throw DatabaseFailure.olderVersion(missing.name)
        }
    }

    private static func refuseNewer(_ applied: [String], _ migrations: [Migration]) throws {
        let known = Set(migrations.map(\.name))
        if let unknown = applied.first(where: { !known.contains($0) }) { throw DatabaseFailure.newerVersion(unknown) }
    }

    /// Runs the steps that this database has not had, each in a transaction of its own, in the order given.
    static func bringUpToDate(
        _ pool: DatabasePool, _ migrations: [Migration], now: Timestamp, admit: (Connection) throws -> Void
    ) throws {
        do {
            try pool.write { database in
                try database.execute(
                    sql: """
                        CREATE TABLE IF NOT EXISTS schema_migrations (
                          name TEXT PRIMARY KEY,
                          applied_at BIGINT NOT NULL
                        )
                        """)
            }
            let applied = try pool.read {
                try String.fetchAll($0, sql: "SELECT name FROM schema_migrations ORDER BY name")
            }
            try refuseNewer(applied, migrations)
            if !applied.isEmpty { try pool.read { try admit(Connection($0)) } }
            for migration in migrations where !applied.contains(migration.name) {
                try pool.write { database in
                    for statement in migration.statements { try database.execute(sql: statement) }
                    try Connection(database).run(
                        "INSERT INTO schema_migrations (name, applied_at) VALUES ($1, $2)", migration.name, now)
                }
            }
        } catch let error as DatabaseError {
            throw DatabaseFailure(error)
        }
    }
}
