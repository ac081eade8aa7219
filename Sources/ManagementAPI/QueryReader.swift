import Database
import HTTP
import Hummingbird
import JSON
import Values
import Web

/// Reads the query of one request, each parameter once, and refuses what is left over.
struct QueryReader {
    private var rest: [Text: Text] = [:]
    /// As it came.
    private let all: [Text: Text]

    init(_ request: Request) throws(Problem) {
        var rest: [Text: Text] = [:]
        for (name, value) in request.uri.queryParameters {
            guard rest.updateValue(Text(value), forKey: Text(name)) == nil else {
                throw Problem(.badRequest, "unknown_parameter", "A query parameter is there twice.")
            }
        }
        self.rest = rest
        all = rest
    }

    mutating func identifier(_ name: String) throws(Problem) -> Identifier? {
        guard let text = take(name) else { return nil }
        guard let id = Identifier(text) else { throw .invalid(name, Identifier.rule) }
        return id
    }

    mutating func text<T: FieldText>(_ name: String, as _: T.Type = T.self) throws(Problem) -> T? {
        guard let text = take(name) else { return nil }
        guard let value = T(text) else { throw .invalid(name, T.refusal(of: text)) }
        return value
    }

    /// A list of words with commas between them, each once.
    mutating func words<T: FieldText & Equatable>(_ name: String, as _: T.Type = T.self) throws(Problem) -> [T]? {
        guard let text = take(name) else { return nil }
        var words: [T] = []
        for part in text.split(on: ",") {
            guard let word = T(part), !words.contains(word) else { throw .invalid(name, T.rule) }
            words.append(word)
        }
        return words
    }

    mutating func day(_ name: String) throws(Problem) -> Day? {
        guard let text = take(name) else { return nil }
        guard let day = Day(text.string) else { throw .invalid(name, "must be a date, such as 2026-11-21") }
        return day
    }

    mutating func time(_ name: String) throws(Problem) -> Timestamp? {
        guard let text = take(name) else { return nil }
        guard text.utf8.count <= Self.longestTime, let time = Timestamp(rfc3339: text.string) else {
            throw .invalid(name, "must be a time with its offset, such as 2026-11-21T10:00:00Z")
        }
        return time
    }

    /// In bytes, with nine digits of a second and an offset.
    private static let longestTime = 35

    mutating func flag(_ name: String) throws(Problem) -> Bool {
        guard let text = take(name) else { return false }
        switch text {
        case "false": return false
        case "true": return true
        default: throw .invalid(name, "must be true or false")
        }
    }

    mutating func page() throws(Problem) -> Page {
        let limit = try limit()
        guard let cursor = take("cursor") else { return Page(limit: limit) }
        guard let after = Identifier(cursor) else { throw Self.badCursor }
        return Page(limit: limit, after: after)
    }

    /// A page of a list that runs by name.
    mutating func namedPage<T: FieldText>(_: T.Type) throws(Problem) -> (limit: Int, after: T?) {
        let limit = try limit()
        guard let cursor = take("cursor") else { return (limit, nil) }
        guard let after = T(cursor) else { throw Self.badCursor }
        return (limit, after)
    }

    /// A page of a list whose cursor says more than where it goes on. What it says is for the operation to read.
    mutating func markedPage() throws(Problem) -> (limit: Int, cursor: Text?) { (try limit(), take("cursor")) }

    /// A page of a list that is filtered by all other parameters.
    mutating func filteredPage() throws(Problem) -> FilteredPage {
        let limit = try limit()
        let mark = FilteredPage.mark(of: all)
        guard let cursor = take("cursor") else { return FilteredPage(Page(limit: limit), mark) }
        guard let page = FilteredPage(cursor, limit: limit, mark) else {
            throw .invalid("cursor", "must be the next_cursor of a page before, with the same other parameters")
        }
        return page
    }

    private static let badCursor = Problem.invalid("cursor", "must be the next_cursor of a page before")

    private mutating func limit() throws(Problem) -> Int {
        try number("limit", in: Page.limits) ?? Page.standardLimit
    }

    mutating func number(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = take(name) else { return nil }
        guard let number = Int(text.string), range.contains(number) else {
            throw .invalid(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private mutating func take(_ name: String) -> Text? { rest.removeValue(forKey: Text(name)) }

    /// Call it last.
    func noOthers() throws(Problem) {
        guard let name = rest.keys.min() else { return }
        // The name comes from the caller: only a printable, short one is repeated.
        let shown = DisplayName(name)?.text ?? "(a name that is not shown)"
        throw Problem(
            .badRequest, "unknown_parameter",
            "This address does not take the query parameter \(shown), at least not with the others.")
    }
}

extension Listing {
    /// One page as it is answered.
    func json(_ encode: (Item) -> JSON) -> Response {
        .json(["items": .array(items.map(encode)), "next_cursor": JSON(next?.description)])
    }
}
