import Database
import Hummingbird
import Policy
import Web

/// Reads the query of one request, each parameter once, and refuses what is left over.
struct QueryReader {
    private var rest: [String: String] = [:]

    init(_ request: Request) throws(Problem) {
        for (name, value) in request.uri.queryParameters {
            guard rest.updateValue(String(value), forKey: String(name)) == nil else {
                throw Problem(.badRequest, "unknown_parameter", "A query parameter comes twice.")
            }
        }
    }

    mutating func identifier(_ name: String) throws(Problem) -> Identifier? {
        guard let text = rest.removeValue(forKey: name) else { return nil }
        guard let id = Identifier(text) else { throw .invalid(name, Identifier.rule) }
        return id
    }

    mutating func flag(_ name: String) throws(Problem) -> Bool {
        switch rest.removeValue(forKey: name) {
        case nil, "false": return false
        case "true": return true
        default: throw .invalid(name, "must be true or false")
        }
    }

    mutating func page() throws(Problem) -> Page {
        var limit = Page.standardLimit
        if let text = rest.removeValue(forKey: "limit") {
            guard let number = Int(text), Page.limits.contains(number) else {
                throw .invalid(
                    "limit", "must be a whole number from \(Page.limits.lowerBound) to \(Page.limits.upperBound)")
            }
            limit = number
        }
        guard let cursor = rest.removeValue(forKey: "cursor") else { return Page(limit: limit) }
        guard let after = Identifier(cursor) else {
            throw .invalid("cursor", "must be the next_cursor of a page before")
        }
        return Page(limit: limit, after: after)
    }

    /// Call it last.
    func noOthers() throws(Problem) {
        guard !rest.isEmpty else { return }
        throw Problem(.badRequest, "unknown_parameter", "The query has a parameter that is not known at this address.")
    }
}

extension Listing {
    /// One page as it is answered.
    func json(_ encode: (Item) -> JSON) -> Response {
        .json(["items": .array(items.map(encode)), "next_cursor": JSON(next?.description)])
    }
}
