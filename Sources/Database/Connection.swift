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
        let positions = Self.positions(in: sql)
        precondition(positions.sorted() == Array(1..<values.count + 1), "a statement and its values don't fit: \(sql)")
        statement.setUncheckedArguments(StatementArguments(positions.map { values[$0 - 1]?.stored ?? .null }))
        return statement
    }

    /// Which value each parameter of the statement takes, in the order in which the parameters first appear: that is how
    /// SQLite numbers `$1` and `$2` (https://sqlite.org/lang_expr.html#varparam), and `$2, $1` bound in the order of
    /// their numbers would swap the values silently. (A text of ours never has a `$` in a literal.)
    private static func positions(in sql: String) -> [Int] {
        var positions: [Int] = []
        var number: Int?
        func close() {
            if let found = number, !positions.contains(found) { positions.append(found) }
            number = nil
        }
        for byte in sql.utf8 {
            switch byte {
            case UInt8(ascii: "$"): number = 0
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if let digits = number { number = digits * 10 + Int(byte - UInt8(ascii: "0")) }
            default: close()
            }
        }
        close()
        return positions
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

    private func value(_ column: String) throws -> DatabaseValue {
        guard row.hasColumn(column) else { throw DatabaseFailure.malformedRow(column: column) }
        return row[column]
    }
}
