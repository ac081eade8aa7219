import Foundation
import Hummingbird
import Values

/// The choices in the address of a page: read so that none is passed over in silence, and written.
struct Address {
    private let visit: Visit
    /// Something in it is none of what can be chosen. What it would show is not what was asked for.
    private(set) var isBroken = false

    init(_ visit: Visit) { self.visit = visit }

    /// What was chosen, or `nil` where nothing was.
    mutating func choice<T>(_ name: String, _ make: (Text) -> T?) -> T? {
        guard let text = visit.request.uri.queryParameters[name[...]].map({ Text($0) }), !text.isEmpty else {
            return nil
        }
        guard text.utf8.count <= Self.longest, let value = make(text) else {
            isBroken = true
            return nil
        }
        return value
    }

    /// What was typed, as it was typed; empty where nothing was.
    mutating func text(_ name: String) -> Text { choice(name) { $0 } ?? "" }

    /// Of a choice, in bytes.
    private static let longest = 2048

    /// An address of ours. What is empty is left out.
    /// - Parameter part: the part of the page to go to.
    static func path(_ place: String, _ pairs: [(String, String?)], to part: String? = nil) -> String {
        let query = pairs.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : name + "=" + escaped($0) }
        }
        return place + (query.isEmpty ? "" : "?" + query.joined(separator: "&")) + (part.map { "#" + $0 } ?? "")
    }

    static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    /// RFC 3986 §2.3, and the colon of a time, which a query may have as it is (§3.4).
    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:")
}

/// The first day and the last one, as they were typed.
struct TypedDays: Sendable {
    var from: Text = ""
    var until: Text = ""

    init() {}

    init(_ address: inout Address) {
        from = address.text("from")
        until = address.text("to")
    }

    /// `nil` when what was typed are no days, or the first is after the last. A blank field sets no bound.
    var days: (first: Day?, last: Day?)? {
        let (first, last) = (Day(from.string), Day(until.string))
        guard first != nil || from.isEmpty, last != nil || until.isEmpty else { return nil }
        if let first, let last, first > last { return nil }
        return (first, last)
    }

    /// As they stand in an address.
    var pairs: [(String, String?)] { [("from", from.string), ("to", until.string)] }
}
