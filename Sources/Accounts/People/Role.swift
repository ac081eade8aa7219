import Values

/// What a user may do in their account.
package enum Role: String, Sendable, CaseIterable {
    /// Manages everything. An account always keeps one.
    case root
    /// Looks on: applications, keys without their secrets, usage.
    case member
}

extension Role: FieldText {
    package static let rule = "must be root or member"

    package init?(_ text: String) { self.init(rawValue: text) }
}
