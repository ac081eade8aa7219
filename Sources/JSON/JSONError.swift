/// Why a text is not taken as JSON. The sentence is public: it tells the place and the rule, never the content.
package struct JSONError: Error, Sendable, Equatable {
    /// In bytes from the beginning of the text.
    package let offset: Int
    package let rule: String
    package var sentence: String { "The body is not valid JSON: \(rule) (at byte \(offset))." }
}
