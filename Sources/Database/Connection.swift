import GRDB
package import Policy

/// One transaction's view of the database, for the length of one closure.
package struct Connection {
    private let database: GRDB.Database

    init(_ database: GRDB.Database) { self.database = database }

    /// Runs a statement for its effect. Returns how many rows it inserted, updated or deleted.
    @discardableResult
    package func run(_ sql: String, _ values: (any SQLValue)?...) throws -> Int {
        let statement = try prepare(sql, values)
        try statement.execute()
        return database.changesCount
    }

    /// The rows of a query, or of a statement with `RETURNING`, in full.
    package func rows(_ sql: String, _ values: (any SQLValue)?...) throws -> [Row] {
        try GRDB.Row.fetchAll(try prepare(sql, values)).map(Row.init)
    }

    /// The first row, if there is one. A statement with `RETURNING` still has all of its effect.
    package func row(_ sql: String, _ values: (any SQLValue)?...) throws -> Row? {
        try GRDB.Row.fetchAll(try prepare(sql, values)).first.map(Row.init)
    }

    /// Statements are kept prepared: without that, a lookup costs half as much again.
    private func prepare(_ sql: String, _ values: [(any SQLValue)?]) throws -> Statement {
        let statement = try database.cachedStatement(sql: sql)
        // By name: bound from an array, GRDB takes `$2, $1` in order of appearance and so swaps the values silently.
        var arguments: [String: DatabaseValue] = [:]
        for (index, value) in values.enumerated() { arguments[String(index + 1)] = value?.stored ?? .null }
        statement.arguments = StatementArguments(arguments)
        return statement
    }
}

/// One row of an answer. Reading a column as what it is not throws ``DatabaseFailure/malformedRow(column:)``.
package struct Row {
    private let row: GRDB.Row

    init(_ row: GRDB.Row) { self.row = row }

    package func optionalText(_ column: String) throws -> String? {
        switch try value(column).storage {
        case .null: nil
        case .string(let text): text
        default: throw DatabaseFailure.malformedRow(column: column)
        }
    }

    package func optionalInteger(_ column: String) throws -> Int64? {
        switch try value(column).storage {
        case .null: nil
        case .int64(let integer): integer
        default: throw DatabaseFailure.malformedRow(column: column)
        }
    }

    package func text(_ column: String) throws -> String { try present(optionalText(column), column) }
    package func integer(_ column: String) throws -> Int64 { try present(optionalInteger(column), column) }
    package func flag(_ column: String) throws -> Bool { try integer(column) != 0 }
    package func time(_ column: String) throws -> Timestamp { Timestamp(microseconds: try integer(column)) }

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

    private func value(_ column: String) throws -> DatabaseValue {
        guard row.hasColumn(column) else { throw DatabaseFailure.malformedRow(column: column) }
        return row[column]
    }
}
