import Values

/// Where a person goes on to after a form: a page of ours, and nothing else that an address could be made of.
struct LocalPath: Sendable, Equatable {
    let text: String

    /// `nil` for what is no address of a page of the console. One that begins with two slashes or holds a backslash would
    /// lead to another host.
    init?(_ text: Text) {
        guard text.utf8.count <= 2048, text == "/console" || text.hasPrefix("/console/") || text.hasPrefix("/console?"),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") })
        else { return nil }
        self.text = text.string
    }

    private init(own text: String) { self.text = text }

    static let start = LocalPath(own: "/console")
}
