import Crypto
import Values

/// What the form of something that there is showed before anybody typed: so that a save changes what a person changed,
/// and nothing else. A field that the form didn't have takes nothing away, and what somebody else changed meanwhile stays.
extension Form {
    private static let marker = "was."

    /// - Parameter shown: for each field, what it shows. A field of which several can be ticked has any number of texts.
    /// - Returns: hidden fields for the form; those that came with it, when it is shown again.
    func marks(of shown: [(name: String, texts: [Text])]) -> [Carried] {
        let sent = carried.filter { Self.isMark($0.name) }
        return sent.isEmpty ? shown.map { Self.mark($0.name, $0.texts) } : sent
    }

    static func mark(_ name: String, _ texts: [Text]) -> Carried { Carried(name: marker + name, value: digest(texts)) }

    static func isMark(_ name: String) -> Bool { Text(name).hasPrefix(Text(marker)) }

    /// Whether a field was sent, and says something else than it showed.
    func isChanged(_ name: String) -> Bool { has(name) && mark(of: name) != Text(Self.digest(texts(name))) }

    /// The same for a field of which several can be ticked. None of it is sent when no box is ticked.
    func isListChanged(_ name: String) -> Bool { isChanged(name) || isEmptied(name) }

    /// Whether no box is ticked where one was.
    func isEmptied(_ name: String) -> Bool { !has(name) && has(Self.marker + name) && !showedNone(of: name) }

    private func showedNone(of name: String) -> Bool { mark(of: name) == Text(Self.digest([])) }

    private func mark(of name: String) -> Text { text(Self.marker + name) }

    /// In any order, and however a browser ends lines. A digest, because a prompt is as long as half a form can be.
    private static func digest(_ texts: [Text]) -> String {
        var hash = SHA256()
        for text in texts.map({ $0.utf8.filter { $0 != 0x0D } }).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            hash.update(data: text)
            // No text of UTF-8 has it, so that none runs into the next.
            hash.update(data: [0xFF])
        }
        return hash.finalize().prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
