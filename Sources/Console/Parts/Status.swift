/// How something is, for the partial `status`: a shape, a word, and why or until when.
struct Status: View {
    /// What is asked of a person: colour never says it alone.
    enum Tone: String, CaseIterable, Sendable {
        case good
        /// It acts by itself, or soon.
        case warn
        /// Somebody must act.
        case bad
        case off
    }

    /// A symbol of the partial `icons`.
    enum Shape: String, CaseIterable, Sendable {
        case active, month, limit, hand, leak, expired
    }

    let tone: String
    let shape: String
    let word: String
    let reason: String?
    /// The tone of the reason where it is not that of the word: an active key that soon expires.
    let reasonTone: String?

    init(_ tone: Tone, _ shape: Shape, _ word: String, reason: String? = nil, reasonTone: Tone? = nil) {
        self.tone = tone.rawValue
        self.shape = shape.rawValue
        self.word = word
        self.reason = reason
        self.reasonTone = reasonTone?.rawValue
    }
}
