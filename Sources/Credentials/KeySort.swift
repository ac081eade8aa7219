import Values

/// By what a list of keys is ordered. Keys that are equal in it follow each other by identifier.
package struct KeySort: Sendable, Hashable {
    package enum Field: String, Sendable, CaseIterable {
        case creation = "created_at"
        /// By bytes, where the capitals of ASCII count as small letters.
        case name
        /// As it is written down, which is every few seconds. A key that was never used comes before all others.
        case lastUse = "last_used_at"
        /// A key without an expiry comes after all others.
        case expiry = "expired_at"
    }

    package let field: Field
    package let isDescending: Bool

    /// The newest first.
    package static let standard = KeySort(.creation, isDescending: true)

    package init(_ field: Field, isDescending: Bool = false) {
        self.field = field
        self.isDescending = isDescending
    }

    /// As it is asked for: `-created_at`.
    package var text: String { (isDescending ? "-" : "") + field.rawValue }
}

extension KeySort: FieldText {
    package static let rule =
        "must be created_at, name, last_used_at or expired_at, with - before it for the reverse order"

    package init?(_ text: String) {
        let isDescending = text.hasPrefix("-")
        guard let field = Field(rawValue: isDescending ? String(text.dropFirst()) : text) else { return nil }
        self.init(field, isDescending: isDescending)
    }
}
