import Secrets

/// A secret that is shown this once, for the partial `secret`: in groups of four, which are set apart by the stylesheet
/// alone, so that what is copied has no blanks.
struct SecretBox: View {
    let id: String
    /// With the hyphen: `sk-`.
    let prefix: String
    let groups: [String]
    /// The checksum at the end.
    let check: String

    /// - Parameter id: of the element, for the copy button beside it.
    init(_ secret: Secret, id: String) {
        self.id = id
        let text = secret.exposed()
        let start = text.firstIndex(of: "-").map { text.index(after: $0) } ?? text.startIndex
        prefix = String(text[..<start])
        let rest = Array(text[start...])
        let end = max(0, rest.count - 6)
        groups = stride(from: 0, to: end, by: 4).map { String(rest[$0..<min($0 + 4, end)]) }
        check = String(rest[end...])
    }
}
