import Database
import HTTP
import Hummingbird
import JSON
import Values
import Web

/// Reads the query of one request, each parameter once, and refuses what is left over.
struct QueryReader {
    private var rest: [Text: Text] = [:]

    init(_ request: Request) throws(Problem) {
        for (name, value) in request.uri.queryParameters {
            guard rest.updateValue(Text(value), forKey: Text(name)) == nil else {
                throw Problem(.badRequest, "unknown_parameter", "A query parameter is there twice.")
            }
        }
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

    private static let badCursor = Problem.invalid("cursor", "must be the next_cursor of a page before")

    private mutating func limit() throws(Problem) -> Int {
        var limit = Page.standardLimit
        if let text = take("limit") {
            guard let number = Int(text.string), Page.limits.contains(number) else {
                throw .invalid(
                    "limit", "must be a whole number from \(Page.limits.lowerBound) to \(Page.limits.upperBound)")
            }
            limit = number
        }
        return limit
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
