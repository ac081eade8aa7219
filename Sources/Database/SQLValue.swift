import Values

/// What may be bound to a parameter. Text and integers only: both engines agree on those.
package protocol SQLValue: Sendable {
    var stored: StoredValue { get }
}

/// A value as an engine keeps it.
package enum StoredValue: Sendable {
    case text(String)
    case integer(Int64)
}

extension String: SQLValue {
    package var stored: StoredValue { .text(self) }
}

extension Text: SQLValue {
    package var stored: StoredValue { .text(string) }
}

extension Int64: SQLValue {
    package var stored: StoredValue { .integer(self) }
}

extension Int: SQLValue {
    package var stored: StoredValue { .integer(Int64(self)) }
}

extension Bool: SQLValue {
    package var stored: StoredValue { .integer(self ? 1 : 0) }
}

extension Timestamp: SQLValue {
    package var stored: StoredValue { .integer(microseconds) }
}

extension Identifier: SQLValue {
    package var stored: StoredValue { .text(description) }
}

extension Credits: SQLValue {
    package var stored: StoredValue { .integer(micro) }
}
