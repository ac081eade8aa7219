import GRDB
import GRDBSQLite

/// A copy of all that there is, in one file.
extension Database {
    /// Copies one snapshot of the database into an empty file, beside whoever writes to it.
    ///
    /// It is SQLite's own backup (https://sqlite.org/backup.html) within a read transaction: what is committed meanwhile
    /// is not in the copy, and doesn't make it begin anew. To be called on a database that is open for reading alone:
    /// then nothing here writes to it or checkpoints it.
    /// - Parameter progress: called with how much is done, from 0 to 1.
    package func copy(to path: String, progress: @escaping @Sendable (Double) -> Void) async throws {
        try await withCheckedThrowingContinuation { continuation in
            engine.asyncRead { access in
                continuation.resume(
                    with: Result { try Self.copy(access.get(), to: path, progress) }
                        .mapError(DatabaseFailure.translate))
            }
        }
    }

    private static func copy(
        _ source: GRDB.Database, to path: String, _ progress: (Double) -> Void
    ) throws {
        // The transaction gets its snapshot with the first read.
        _ = try Int.fetchOne(source, sql: "SELECT count(*) FROM sqlite_master")
        let target = try Target(path)
        defer { target.close() }
        // The file is made durable as a whole, when it is complete.
        try target.run("PRAGMA synchronous = OFF")
        guard let backup = sqlite3_backup_init(target.connection, "main", source.sqliteConnection, "main") else {
            throw target.failure
        }
        var code = SQLITE_OK
        while code == SQLITE_OK {
            code = sqlite3_backup_step(backup, 1024)
            let all = sqlite3_backup_pagecount(backup)
            if all > 0 { progress(Double(all - sqlite3_backup_remaining(backup)) / Double(all)) }
        }
        sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE else { throw DatabaseFailure.engine(code: code) }
        // The first page says that there is a log beside the file. With none, one file is all of it.
        try target.run("PRAGMA journal_mode = DELETE")
    }

    /// Looks at every page, table and index of the file.
    /// - Returns: the first fault, as the engine says it; `nil` when there is none.
    package func firstFault() async throws -> String? {
        try await withCheckedThrowingContinuation { continuation in
            engine.asyncRead { access in
                continuation.resume(
                    with: Result {
                        let answer = try String.fetchOne(access.get(), sql: "PRAGMA integrity_check(1)")
                        return answer == "ok" ? nil : answer ?? "no answer"
                    }.mapError(DatabaseFailure.translate))
            }
        }
    }
}

/// A connection to the file that is written.
private struct Target {
    let connection: OpaquePointer?

    init(_ path: String) throws {
        var connection: OpaquePointer?
        let code = sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, nil)
        self.connection = connection
        guard code == SQLITE_OK else {
            sqlite3_close_v2(connection)
            throw DatabaseFailure.engine(code: code)
        }
    }

    var failure: DatabaseFailure { .engine(code: sqlite3_extended_errcode(connection)) }

    func run(_ sql: String) throws {
        guard sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK else { throw failure }
    }

    func close() { sqlite3_close_v2(connection) }
}
