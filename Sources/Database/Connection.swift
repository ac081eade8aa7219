import GRDB
import GRDBSQLite
package import Values

/// One transaction's view of the database, for the length of one closure.
///
/// Statements are kept prepared by GRDB and bound, stepped and read here through SQLite's own interface: GRDB's way to bind
/// costs several times what SQLite needs for a row, and every call to the gateway pays for it.
package struct Connection {
    private let database: GRDB.Database

    init(_ database: GRDB.Database) { self.database = database }

    /// Runs a statement for its effect. Returns how many rows it inserted, updated or deleted.
    @discardableResult
    package func run(_ sql: String, _ values: (any SQLValue)?...) throws -> Int {
        try execute(sql, values) { _ in }
        return database.changesCount
    }

    /// The rows of a query, or of a statement with `RETURNING`, in full.
    package func rows(_ sql: String, _ values: (any SQLValue)?...) throws -> [Row] {
        try rows(sql, values: values)
    }

    /// The same, where how many values there are depends on the statement.
    package func rows(_ sql: String, values: [(any SQLValue)?]) throws -> [Row] {
        var rows: [Row] = []
        try execute(sql, values) { rows.append($0) }
        return rows
    }

    /// The first row, if there is one. A statement with `RETURNING` still has all of its effect.
    package func row(_ sql: String, _ values: (any SQLValue)?...) throws -> Row? {
        var first: Row?
        try execute(sql, values) { row in if first == nil { first = row } }
        return first
    }

    /// A statement that is run for many rows of integers, one after the other. Kept ready for the next transaction.
    package func integerStatement(_ sql: String) throws -> IntegerStatement {
        IntegerStatement(try database.cachedStatement(sql: sql).sqliteStatement)
    }

    /// The rows of a query whose columns are all integers, one after the other and never together: for a table that may
    /// be long.
    /// - Parameter each: gets the columns in their order.
    package func eachRow(
        _ sql: String, _ values: (any SQLValue)?..., each: ([Int64]) throws -> Void
    ) throws {
        var row: [Int64] = []
        try step(sql, values) { statement in
            if row.isEmpty { row = Array(repeating: 0, count: Int(sqlite3_column_count(statement))) }
            for index in row.indices {
                guard sqlite3_column_type(statement, Int32(index)) == SQLITE_INTEGER else {
                    throw DatabaseFailure.malformedRow(
                        column: String(cString: sqlite3_column_name(statement, Int32(index))))
                }
                row[index] = sqlite3_column_int64(statement, Int32(index))
            }
            try each(row)
        }
    }

    private func execute(_ sql: String, _ values: [(any SQLValue)?], _ each: (Row) -> Void) throws {
        var columns: [String]?
        try step(sql, values) { statement in
            let names = columns ?? Row.columns(of: statement)
            columns = names
            each(Row(names, statement))
        }
    }

    /// Runs a statement, and `onRow` whenever it stands on a row.
    private func step(
        _ sql: String, _ values: [(any SQLValue)?], _ onRow: (OpaquePointer) throws -> Void
    ) throws {
        let statement = try database.cachedStatement(sql: sql).sqliteStatement
        defer {
            // What a failed step has left is known already; the statement is as new after this.
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        try bind(values, to: statement, sql)
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_DONE: return
            case SQLITE_ROW: try onRow(statement)
            case let code:
                throw DatabaseError(
                    resultCode: ResultCode(rawValue: sqlite3_extended_errcode(sqlite3_db_handle(statement))),
                    message: "step \(code)", sql: sql)
            }
        }
    }

    /// Binds each value to the parameter of its number. SQLite itself numbers `$2, $1` in the order in which they appear
    /// (https://sqlite.org/lang_expr.html#varparam), so the name is asked for: the values would be swapped silently.
    private func bind(_ values: [(any SQLValue)?], to statement: OpaquePointer, _ sql: String) throws {
        let count = sqlite3_bind_parameter_count(statement)
        precondition(Int(count) == values.count, "a statement and its values don't fit: \(sql)")
        for index in 0..<count {
            guard let name = sqlite3_bind_parameter_name(statement, index + 1),
                let number = Int(String(cString: name + 1)), values.indices.contains(number - 1)
            else { preconditionFailure("a parameter is not $1 to $\(count): \(sql)") }
            let code =
                switch values[number - 1]?.stored {
                case nil: sqlite3_bind_null(statement, index + 1)
                case .integer(let integer): sqlite3_bind_int64(statement, index + 1, integer)
                case .text(let text): Self.bind(text, to: statement, index + 1)
                }
            guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        }
    }

    private static func bind(_ text: String, to statement: OpaquePointer, _ index: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                // SQLITE_TRANSIENT, which is -1: SQLite takes a copy. An empty text has no address, and would be NULL.
                sqlite3_bind_text(
                    statement, index, characters.baseAddress ?? UnsafePointer(bitPattern: 1), Int32(characters.count),
                    unsafeBitCast(-1, to: sqlite3_destructor_type.self))
            }
        }
    }
}

/// One row of an answer. Reading a column as what it is not throws ``DatabaseFailure/malformedRow(column:)``.
package struct Row {
    private enum Value {
        case null
        case integer(Int64)
        case text(String)
        /// A kind that no column of ours has.
        case other
    }

    private let columns: [String]
    private let values: [Value]

    static func columns(of statement: OpaquePointer) -> [String] {
        (0..<sqlite3_column_count(statement)).map { String(cString: sqlite3_column_name(statement, $0)) }
    }

    init(_ columns: [String], _ statement: OpaquePointer) {
        self.columns = columns
        values = (0..<Int32(columns.count)).map { index in
            switch sqlite3_column_type(statement, index) {
            case SQLITE_NULL: return .null
            case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, index))
            case SQLITE_TEXT:
                let bytes = UnsafeBufferPointer(
                    start: sqlite3_column_text(statement, index), count: Int(sqlite3_column_bytes(statement, index)))
                return .text(String(decoding: bytes, as: UTF8.self))
            default: return .other
            }
        }
    }

    package func optionalText(_ column: String) throws -> String? {
        switch try value(column) {
        case .null: nil
        case .text(let text): text
        default: throw DatabaseFailure.malformedRow(column: column)
        }
    }

    package func optionalInteger(_ column: String) throws -> Int64? {
        switch try value(column) {
        case .null: nil
        case .integer(let integer): integer
        default: throw DatabaseFailure.malformedRow(column: column)
        }
    }

    package func text(_ column: String) throws -> String { try present(optionalText(column), column) }
    package func integer(_ column: String) throws -> Int64 { try present(optionalInteger(column), column) }
    package func flag(_ column: String) throws -> Bool { try integer(column) != 0 }
    package func time(_ column: String) throws -> Timestamp { Timestamp(microseconds: try integer(column)) }

    package func credits(_ column: String) throws -> Credits { Credits(micro: try integer(column)) }

    package func optionalCredits(_ column: String) throws -> Credits? {
        try optionalInteger(column).map(Credits.init(micro:))
    }

    package func optionalIdentifier(_ column: String) throws -> Identifier? {
        try optionalText(column).map { try present(Identifier($0), column) }
    }

    package func optionalTime(_ column: String) throws -> Timestamp? {
        try optionalInteger(column).map(Timestamp.init(microseconds:))
    }

    package func identifier(_ column: String) throws -> Identifier {
        try present(Identifier(text(column)), column)
    }

    private func present<T>(_ value: T?, _ column: String) throws -> T {
        guard let value else { throw DatabaseFailure.malformedRow(column: column) }
        return value
    }

    private func value(_ column: String) throws -> Value {
        guard let index = columns.firstIndex(of: column) else { throw DatabaseFailure.malformedRow(column: column) }
        return values[index]
    }
}
