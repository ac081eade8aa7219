import Database
import JSON
import Management
import Values

/// A page of a list that is filtered. Its cursors are good for the same filter alone.
struct FilteredPage {
    let page: Page
    /// Of the filter; `nil` for none.
    private let mark: CursorMark?

    init(_ page: Page, _ mark: CursorMark?) {
        self.page = page
        self.mark = mark
    }

    /// - Parameter cursor: an identifier, and behind it the mark of the filter that it was made with.
    /// - Returns: `nil` when it is none of this filter.
    init?(_ cursor: Text, limit: Int, _ mark: CursorMark?) {
        let parts = cursor.split(on: ".")
        guard let first = parts.first, let after = Identifier(first), parts.count == (mark == nil ? 1 : 2),
            mark.map({ Text($0.text) == parts.last }) ?? true
        else { return nil }
        self.init(Page(limit: limit, after: after), mark)
    }

    /// The cursor of the page that begins after an entry.
    func cursor(_ next: Identifier?) -> JSON {
        JSON(next.map { next in mark.map { "\(next).\($0.text)" } ?? next.description })
    }

    private static let ofPage: Set<Text> = ["cursor", "limit"]

    /// - Parameter parameters: all of an address; those of the page itself are left out.
    static func mark(of parameters: [Text: Text]) -> CursorMark? {
        let filter = parameters.filter { !ofPage.contains($0.key) }.sorted { $0.key < $1.key }
        return filter.isEmpty ? nil : CursorMark(filter.flatMap { [$0.key, $0.value] })
    }
}

extension Listing {
    /// One page of a filtered list as it is answered.
    func json(of page: FilteredPage, _ encode: (Item) -> JSON) -> JSON {
        ["items": .array(items.map(encode)), "next_cursor": page.cursor(next)]
    }
}
