package import Secrets

/// What a scan looks for.
package struct KeyKinds {
    /// One that has seen nothing yet, to be copied for each file.
    let scanner: TokenScanner
    private let masks: [(pattern: Regex<AnyRegexOutput>, text: String)]

    /// - Throws: when one of them can't begin a key.
    package init(appKeyPrefixes: [String]) throws(TokenFormatError) {
        var shapes: [TokenShape] = []
        for prefix in appKeyPrefixes + TokenKind.allCases.map(\.prefix) {
            shapes.append(try TokenShape(prefix: prefix))
        }
        scanner = TokenScanner(shapes)
        masks = shapes.compactMap { shape in
            // A prefix has no character that means something in a pattern.
            (try? Regex(shape.pattern)).map { ($0.matchingSemantics(.unicodeScalar), shape.prefix + "…") }
        }
    }

    func name(ofPrefix prefix: String) -> String { TokenKind(rawValue: prefix)?.name ?? "app key" }

    /// A text without the keys in it, for what others have named: a file may be called as a key is.
    func masked(_ text: String) -> String {
        masks.reduce(text) { text, mask in text.replacing(mask.pattern, with: mask.text) }
    }
}
