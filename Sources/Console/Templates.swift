import Mustache

/// The templates of all pages, which are in the binary.
struct Templates: Sendable {
    private let library: MustacheLibrary

    /// A template that no longer parses is found by the first test.
    init() throws {
        var library = MustacheLibrary()
        for (name, bytes) in Self.sources {
            try library.register(Self.prepared(String(decoding: bytes, as: UTF8.self)), named: name)
        }
        self.library = library
    }

    /// - Throws: the names that the template asked for and no view has.
    func page(_ name: String, _ values: [String: Any], _ strings: Strings) throws -> String {
        let scene = Scene(values, strings)
        guard let page = library.render(scene, withTemplate: name) else { throw Hole(names: [name]) }
        if !scene.missing.isEmpty { throw Hole(names: scene.missing) }
        return page
    }

    /// A page that can't be whole.
    struct Hole: Error {
        let names: Set<String>
    }

    /// The values come escaped. What indents a template is not sent, and so can't get into a text with several lines.
    private static func prepared(_ source: String) -> String {
        "{{% CONTENT_TYPE:TEXT}}\n"
            + source.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: "\n")
    }
}
