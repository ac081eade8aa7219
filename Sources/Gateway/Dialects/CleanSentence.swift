import Values

/// A provider's sentence about the caller's own request, when nothing in it can be the operator's affair.
///
/// Looked at as a whole: one doubtful word, and none of it passes. What is lost is a hint, which the caller also gets
/// from the field's name; what could leak is whose account pays, where inner hosts are, or a part of a secret.
struct CleanSentence {
    let text: Text

    /// The longest one that passes, in bytes.
    static let longest = 400

    /// - Parameters:
    ///   - model: the public name takes the place of the upstream's.
    ///   - isField: whether the caller's body has a member of this name: a path into the body looks like a host name.
    init?(_ sentence: Text, model: ModelRenaming?, isField: (Text) -> Bool) {
        guard (1...Self.longest).contains(sentence.utf8.count),
            !sentence.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { return nil }
        var words = sentence.split(on: " ")
        for index in words.indices {
            let word = Self.bare(words[index])
            if let model, word == Text(model.upstreamName) {
                words[index] = Self.replacing(word, in: words[index], with: model.publicName)
            } else if Self.isDoubtful(word, isField: isField) {
                return nil
            }
        }
        let cleaned = Text(words.map(\.string).joined(separator: " "))
        let small = cleaned.lowercased
        if Self.doubtful.contains(where: small.contains) { return nil }
        if let model, !Text(model.publicName).contains(Text(model.upstreamName)),
            cleaned.contains(Text(model.upstreamName))
        {
            return nil
        }
        text = cleaned
    }

    /// Whose affair a sentence with one of these is, nobody can tell for sure.
    private static let doubtful: [Text] = [
        "organi", "project", "account", "billing", "quota", "credit", "balance", "payment", "invoice", "plan ",
        "subscri", "tier", "api key", "api-key", "api_key", "apikey", "secret", "password", "bearer", "credential",
        "licen", "tenant", "deployment", "resource", "region", "proxy", "upstream", "internal", "host", "server",
        "endpoint", "http:", "https:", "://", "www.", "localhost", "@", "traceback", "exception", "file \"", "<",
        "litellm", "node", "cluster", "pod", "gpu", "worker", "contact", "limit for", "rate limit",
    ]

    /// A word without the signs around it.
    private static func bare(_ word: Text) -> Text {
        func isSign(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"), UInt8(ascii: "."), UInt8(ascii: ","),
                UInt8(ascii: ":"), UInt8(ascii: ";"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "!"),
                UInt8(ascii: "?"):
                true
            default: false
            }
        }
        var rest = word.utf8.drop(while: isSign)
        while let last = rest.last, isSign(last) { rest.removeLast() }
        return Text(rest)
    }

    private static func replacing(_ part: Text, in word: Text, with name: String) -> Text {
        let before = word.utf8.prefix { $0 != part.utf8.first }
        return Text(Substring(before) + name + Substring(word.utf8.dropFirst(before.count + part.utf8.count)))
    }

    /// What may be a host, an address, an identifier or a part of a secret.
    private static func isDoubtful(_ word: Text, isField: (Text) -> Bool) -> Bool {
        let bytes = Array(word.utf8)
        if bytes.count > 40 || bytes.contains(UInt8(ascii: "/")) || bytes.contains(UInt8(ascii: "\\")) { return true }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
        // Identifiers: long, and of letters and digits mixed.
        if bytes.count >= 12, bytes.contains(where: isDigit), bytes.filter(isLetter).count >= 4,
            !bytes.contains(UInt8(ascii: "[")), !bytes.contains(UInt8(ascii: "."))
        {
            return true
        }
        if bytes.starts(with: "sk-".utf8) || bytes.contains(UInt8(ascii: "*")) { return true }
        let parts = word.split(on: ".")
        guard parts.count > 1 else { return false }
        // A path into the caller's body, or a number.
        if let first = parts[0].split(on: "[").first, isField(first) { return false }
        return !(parts.count == 2 && parts.allSatisfy { $0.utf8.allSatisfy(isDigit) })
    }
}
