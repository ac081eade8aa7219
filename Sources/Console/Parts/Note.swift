/// One thing to be told above a page's content, for the partial `note`, with the one button that helps.
struct Note: View {
    let tone: String
    /// A symbol of the partial `icons`.
    let icon: String
    let text: Rich
    let path: String?
    let button: String?

    init(_ tone: Status.Tone, _ text: Rich, path: String? = nil, button: String? = nil) {
        self.tone = tone.rawValue
        icon = tone == .good ? "tick" : tone == .bad ? "bad" : "warn"
        self.text = text
        self.path = path
        self.button = button
    }
}
