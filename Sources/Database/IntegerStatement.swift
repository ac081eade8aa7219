import GRDB
import GRDBSQLite

/// A prepared statement whose parameters, `$1` to `$n` in this order, are all integers.
///
/// Where thousands of rows are written in one transaction, looking the statement up and asking for the names of its
/// parameters costs more than SQLite needs for the row. Good for the transaction that it was made in.
package struct IntegerStatement {
    private let statement: OpaquePointer

    init(_ statement: OpaquePointer) { self.statement = statement }

    /// Runs it for its effect.
    package func run(_ values: [Int64]) throws {
        let count = Int(sqlite3_bind_parameter_count(statement))
        precondition(count == values.count, "a statement and its values don't fit")
        for (index, value) in values.enumerated() { sqlite3_bind_int64(statement, Int32(index + 1), value) }
        let code = sqlite3_step(statement)
        // What a failed step has left is known already; the statement is as new after this.
        sqlite3_reset(statement)
        guard code == SQLITE_DONE || code == SQLITE_ROW else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(sqlite3_db_handle(statement))),
                message: "step \(code)")
        }
    }
}
