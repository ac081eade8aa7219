import JSON
import Values

/// All texts of the interface in one language, by flat keys such as `keys.title`.
///
/// A text may have places for values, in braces: `{used} of {cap} keys`. What is between asterisks is strong: `*{name}*
/// was deleted`.
package struct Strings: Sendable {
    package let language: Language
    /// The texts as they stand in the catalogue.
    package let all: [String: String]
    /// The English text of a rule of the domains, to its key here.
    private let ruleKeys: [Text: String]

    /// - Parameter english: the catalogue in which the rules are found; `nil` for that one itself.
    init(_ language: Language, _ bytes: [UInt8], english: Strings? = nil) throws {
        guard let object = try JSON.parse(bytes).object else { throw NoCatalogue() }
        var all: [String: String] = [:]
        for member in object.members {
            guard let text = member.value.string else { throw NoCatalogue() }
            all[member.name.string] = text.string
        }
        self.language = language
        self.all = all
        ruleKeys =
            english?.ruleKeys
            ?? Dictionary(
                all.filter { $0.key.hasPrefix("rule.") }.map { (Text($0.value), $0.key) },
                uniquingKeysWith: { one, _ in one })
    }

    private struct NoCatalogue: Error {}

    /// The text of a key.
    package func callAsFunction(_ key: String) -> String {
        guard let text = all[key] else {
            assertionFailure("no text \(key)")
            return key
        }
        return text
    }

    /// The same with values in its places.
    package func callAsFunction(_ key: String, _ values: [String: String]) -> String {
        Self.pieces(self(key), values).map(\.text).joined()
    }

    /// The text for a number of things: `key.one` or `key.other`, with the number in the place `count`.
    package func count(_ key: String, _ number: Int, shown: String, _ values: [String: String] = [:]) -> String {
        self(key + (number == 1 ? ".one" : ".other"), values.merging(["count": shown]) { given, _ in given })
    }

    /// A text with its strong parts.
    package func rich(_ key: String, _ values: [String: String] = [:]) -> Rich {
        Rich(pieces: Self.pieces(self(key), values))
    }

    /// What to say of a field that breaks a rule of the platform.
    /// - Parameter rule: the end of a sentence in English, as the domains say it.
    package func rule(_ rule: String) -> String {
        if let key = ruleKeys[Text(rule)] {
            let text = self(key)
            return text.prefix(1).uppercased() + text.dropFirst() + self("mark.full_stop")
        }
        return self("invalid.other", ["rule": rule])
    }

    /// Walks over the bytes of a template once. A value is never looked into.
    private static func pieces(_ template: String, _ values: [String: String]) -> [Rich.Piece] {
        var pieces: [Rich.Piece] = []
        var text = ""
        var isStrong = false
        var rest = template.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*":
                if !text.isEmpty { pieces.append(Rich.Piece(text: text, isStrong: isStrong)) }
                text = ""
                isStrong.toggle()
            case "{":
                let name = String(rest.prefix { $0 != "}" })
                rest = rest.dropFirst(name.unicodeScalars.count + 1)
                if values[name] == nil { assertionFailure("no value for {\(name)} in: \(template)") }
                text += values[name] ?? ""
            default: text.unicodeScalars.append(scalar)
            }
        }
        if !text.isEmpty { pieces.append(Rich.Piece(text: text, isStrong: isStrong)) }
        return pieces
    }
}

/// A text of which parts are strong, for the partial `rich`.
package struct Rich: View {
    package struct Piece: View {
        let text: String
        let isStrong: Bool
    }

    let pieces: [Piece]

    func followed(by text: String) -> Rich { Rich(pieces: pieces + [Piece(text: " " + text, isStrong: false)]) }
}
