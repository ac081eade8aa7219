/// A value that comes as text in a field and is either well-formed or not there at all: what exists has been checked.
package protocol FieldText: Sendable {
    /// `nil` when the text breaks the rule.
    init?(_ text: String)
    /// The rule as the end of a public sentence: "must be …".
    static var rule: String { get }
    /// How many bytes such a text has at most. One with more breaks the rule, and nothing looks at what it is: what
    /// normalises or compares text can take a time that grows with its square.
    static var longest: Int { get }
    /// The rule for one text that breaks it, where more can be said than ``rule``.
    static func rule(brokenBy text: String) -> String
}

extension FieldText {
    package static var longest: Int { 1024 }
    package static func rule(brokenBy text: String) -> String { rule }

    /// Reads what came from outside, unless it is too long to be looked at.
    package init?(_ text: Text) {
        guard text.utf8.count <= Self.longest else { return nil }
        self.init(text.string)
    }

    /// What to say of a text that could not be read.
    package static func refusal(of text: Text) -> String {
        text.utf8.count <= longest ? rule(brokenBy: text.string) : rule
    }
}

/// What people call their things: 1 to 100 characters, no control characters, no blanks at the ends.
///
/// Control characters would break log lines and terminals, and the direction overrides would let one name pass as
/// another on a page.
package struct DisplayName: FieldText, Equatable {
    package static let longest = 400
    package static let rule =
        "must be 1 to 100 characters without control characters or text-direction marks, and not begin or end with a blank"
    package let text: String

    package init?(_ text: String) {
        guard (1...100).contains(text.unicodeScalars.count), text.unicodeScalars.allSatisfy(\.isPrintable),
            text.unicodeScalars.first?.properties.isWhitespace == false,
            text.unicodeScalars.last?.properties.isWhitespace == false
        else { return nil }
        self.text = text
    }

    /// By bytes, as ``Text``.
    package static func == (left: DisplayName, right: DisplayName) -> Bool { Text(left.text) == Text(right.text) }
}

/// A name that may be left empty: 0 to 100 characters, otherwise as ``DisplayName``.
package struct OptionalName: FieldText, Equatable {
    package static let longest = DisplayName.longest
    package static let rule = "must be empty, or " + DisplayName.rule.dropFirst("must be ".count)
    package static let empty = OptionalName(kept: "")
    package let text: String

    package init?(_ text: String) {
        guard text.isEmpty || DisplayName(text) != nil else { return nil }
        self.text = text
    }

    private init(kept text: String) { self.text = text }

    /// By bytes, as ``Text``.
    package static func == (left: OptionalName, right: OptionalName) -> Bool { Text(left.text) == Text(right.text) }
}

extension Identifier: FieldText {
    package static let rule = "must be a UUID in lower case, such as 0193a5b2-7c1e-7d4a-9b60-3f2d8c5e1a47"
}

extension Unicode.Scalar {
    /// Neither a control character nor one that changes the direction of the text around it (Unicode TR9 §2).
    package var isPrintable: Bool {
        switch value {
        case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029, 0x200E, 0x200F, 0x061C, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF:
            false
        default: properties.generalCategory != .unassigned && !properties.isNoncharacterCodePoint
        }
    }
}
