import Values

/// What a model's upstream gets where a call has more than one system message at its beginning, such as the app's prompt
/// before one of the caller's. Not every upstream takes two.
package enum SystemMessages: String, Sendable, CaseIterable, FieldText {
    /// As they are, one after the other.
    case keep
    /// Joined into one.
    case merge

    package static let rule = "must be keep or merge"

    package init?(_ text: String) { self.init(rawValue: text) }
}
