package import Database
import Policy
package import Values

/// A place in an ordered list of keys: just behind one of them, whether it is still there or not.
package struct KeyPosition: Sendable, Equatable {
    /// What a key is ordered by.
    package enum Value: Sendable, Equatable {
        case number(Int64)
        case text(Text)
    }

    package let value: Value
    package let id: Identifier

    package init(_ value: Value, _ id: Identifier) {
        self.value = value
        self.id = id
    }

    /// Behind a key of a list in this order.
    package init(behind key: Credential, in sort: KeySort) {
        id = key.id
        value =
            switch sort.field {
            case .creation: .number(key.createdAt.microseconds)
            case .name: .text(Text(key.name).lowercased)
            case .lastUse: .number(key.lastUsedAt?.microseconds ?? Self.never)
            case .expiry: .number(key.terms.expiresAt?.microseconds ?? Self.endless)
            }
    }

    /// What stands in the table for no use and no expiry.
    private static let never = -Int64.max
    private static let endless = Int64.max
}

extension KeyPosition.Value: SQLValue {
    package var stored: StoredValue {
        switch self {
        case .number(let number): number.stored
        case .text(let text): text.stored
        }
    }
}
