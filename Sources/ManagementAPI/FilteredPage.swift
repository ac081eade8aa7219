import Database
import JSON
import Values

/// A page of a list that is filtered. Its cursors are good for the same filter alone: with another one they would silently
/// leave entries out.
struct FilteredPage {
    let page: Page
    /// What the filter is, in short; `nil` for none. It only has to find mistakes.
    private let mark: String?

    init(_ page: Page, _ mark: String?) {
        self.page = page
        self.mark = mark
    }

    /// - Parameter cursor: an identifier, and behind it the mark of the filter that it was made with.
    /// - Returns: `nil` when it is none of this filter.
    init?(_ cursor: Text, limit: Int, _ mark: String?) {
        let parts = cursor.split(on: ".")
        guard let first = parts.first, let after = Identifier(first), parts.count == (mark == nil ? 1 : 2),
            mark.map({ Text($0) == parts.last }) ?? true
        else { return nil }
        self.init(Page(limit: limit, after: after), mark)
    }

    /// The cursor of the page that begins after an entry.
    func cursor(_ next: Identifier?) -> JSON {
        JSON(next.map { next in mark.map { "\(next).\($0)" } ?? next.description })
    }

    private static let ofPage: Set<Text> = ["cursor", "limit"]

    /// FNV-1a of 64 bits over the names and the values in the order of the names.
    /// - Parameter parameters: all of an address; those of the page itself are left out.
    static func mark(of parameters: [Text: Text]) -> String? {
        let filter = parameters.filter { !ofPage.contains($0.key) }
        if filter.isEmpty { return nil }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for (name, value) in filter.sorted(by: { $0.key < $1.key }) {
            // No text of an address has a zero byte that could pass for an end.
            for byte in [Array(name.utf8), [0], Array(value.utf8), [0]].joined() {
                hash = (hash ^ UInt64(byte)).multipliedFullWidth(by: 0x100_0000_01B3).low
            }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension Listing {
    /// One page of a filtered list as it is answered.
    func json(of page: FilteredPage, _ encode: (Item) -> JSON) -> JSON {
        ["items": .array(items.map(encode)), "next_cursor": page.cursor(next)]
    }
}
