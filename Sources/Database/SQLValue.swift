package import GRDB
package import Policy

/// What may be bound to a parameter. Text and integers only: both engines agree on those.
package protocol SQLValue: Sendable {
    var stored: DatabaseValue { get }
}

extension String: SQLValue {
    package var stored: DatabaseValue { databaseValue }
}

extension Int64: SQLValue {
    package var stored: DatabaseValue { databaseValue }
}

extension Int: SQLValue {
    package var stored: DatabaseValue { databaseValue }
}

extension Bool: SQLValue {
    package var stored: DatabaseValue { (self ? Int64(1) : 0).databaseValue }
}

extension Timestamp: SQLValue {
    package var stored: DatabaseValue { microseconds.databaseValue }
}

extension Identifier: SQLValue {
    package var stored: DatabaseValue { description.databaseValue }
}

extension Credits: SQLValue {
    package var stored: DatabaseValue { micro.databaseValue }
}
