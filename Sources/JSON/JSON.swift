package import Values

/// A JSON text as a value that loses nothing: members keep their order and numbers their digits, and names and strings
/// are compared by their bytes.
///
/// Written here because the platform's decoders take the last of two equal member names silently, turn numbers into
/// floats and drop what they don't know. A gateway that reads a body one way while the upstream reads it another has a
/// hole (security checklist 1.5.3), and a caller's `1.10` or 20-digit integer must arrive as it was sent.
package enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(Text)
    case array([JSON])
    case object(JSONObject)

    package var kind: JSONKind {
        switch self {
        case .null: .null
        case .bool: .bool
        case .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
    package var array: [JSON]? { if case .array(let array) = self { array } else { nil } }
    package var string: Text? { if case .string(let string) = self { string } else { nil } }
}

/// A number as its literal (RFC 8259 §6), so that it can be passed on digit by digit.
package struct JSONNumber: Sendable, Equatable {
    package let literal: String

    /// The caller guarantees the grammar.
    init(checked literal: String) { self.literal = literal }

    package init(_ value: Int64) { literal = String(value) }
    package init(_ credits: Credits) { literal = credits.decimal }
    package init(_ multiplier: Multiplier) { literal = multiplier.decimal }

    /// The value where the literal is a plain integer in range.
    package var integer: Int64? { Int64(literal) }

    /// The nearest float: for ranges of parameters, never for money.
    package var approximate: Double { Double(literal) ?? .nan }
}

/// Members in the order they were written, each name once.
package struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    package struct Member: Sendable, Equatable {
        package var name: Text
        package var value: JSON
    }

    package private(set) var members: [Member] = []

    package init() {}

    package init(dictionaryLiteral elements: (String, JSON)...) {
        for (name, value) in elements { self[name] = value }
    }

    /// Only for the parser, which has seen that no name comes twice.
    init(members: [Member]) { self.members = members }

    /// Setting a new name appends it; setting `nil` takes the member away.
    package subscript(name: Text) -> JSON? {
        get { members.first { $0.name == name }?.value }
        set {
            let index = members.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The same for a name of our own.
    package subscript(name: String) -> JSON? {
        get { self[Text(name)] }
        set { self[Text(name)] = newValue }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(Text(value)) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(nilLiteral: ()) { self = .null }

    package init(dictionaryLiteral elements: (String, JSON)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }

    /// `null` for `nil`.
    package init(_ text: String?) { self = text.map { .string(Text($0)) } ?? .null }
    /// `null` for `nil`.
    package init(_ text: Text?) { self = text.map { .string($0) } ?? .null }

    /// A string of our own.
    package static func string(_ text: String) -> JSON { .string(Text(text)) }
}

extension JSON {
    package init(_ credits: Credits) { self = .number(JSONNumber(credits)) }
    /// `null` for `nil`.
    package init(_ credits: Credits?) { self = credits.map { .number(JSONNumber($0)) } ?? .null }
    package init(_ count: Int64) { self = .number(JSONNumber(count)) }
    /// `null` for `nil`.
    package init(_ id: Identifier?) { self = id.map { .string($0.description) } ?? .null }
}
