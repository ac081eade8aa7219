package import JSON
package import Values

/// Defaults that an app puts into the calls that leave them out, named and bounded as OpenAI's chat completions have
/// them. Kept as the literals that were given, so that `0.70` reaches the upstream as `0.70`.
package struct ChatParameters: Sendable {
    package static let none = ChatParameters(checked: JSONObject())
    package let object: JSONObject

    /// What a parameter may be.
    private enum Rule {
        case number(ClosedRange<Double>)
        case count
        case integer
        case stops

        var sentence: String {
            switch self {
            case .number(let range): "must be a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))"
            case .count: "must be a whole number from 1 to 1000000000"
            case .integer: "must be a whole number"
            case .stops: "must be a string, or an array of one to four strings, of at most 256 bytes each"
            }
        }

        func allows(_ value: JSON) -> Bool {
            switch (self, value) {
            case (.number(let range), .number(let number)): range.contains(number.approximate)
            case (.count, .number(let number)): number.integer.map { (1...1_000_000_000).contains($0) } ?? false
            case (.integer, .number(let number)): number.integer != nil
            case (.stops, .string(let stop)): stop.utf8.count <= 256
            case (.stops, .array(let stops)):
                (1...4).contains(stops.count) && stops.allSatisfy { ($0.string?.utf8.count ?? .max) <= 256 }
            default: false
            }
        }
    }

    private static let rules: [Text: Rule] = [
        "temperature": .number(0...2), "top_p": .number(0...1), "presence_penalty": .number(-2...2),
        "frequency_penalty": .number(-2...2), "max_tokens": .count, "max_completion_tokens": .count, "seed": .integer,
        "stop": .stops,
    ]

    /// What a parameter can be called.
    package static let names: [Text] = rules.keys.sorted()

    /// - Throws: the parameter and the rule that it breaks.
    package init(_ object: JSONObject) throws(InvalidField) {
        for member in object.members {
            guard let rule = Self.rules[member.name] else {
                throw InvalidField(
                    "parameters", "may have only " + Self.names.map(\.string).joined(separator: ", "))
            }
            guard rule.allows(member.value) else { throw InvalidField("parameters.\(member.name)", rule.sentence) }
        }
        self.object = object
    }

    private init(checked object: JSONObject) { self.object = object }

    /// As it was stored.
    init?(stored text: String) {
        guard let object = (try? JSON.parse(text.utf8))?.object else { return nil }
        self.object = object
    }

    var stored: String { JSON.object(object).text }
}
