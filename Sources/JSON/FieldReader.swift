package import Values

/// Reads the fields of one request body, each once, and refuses what is left over.
///
/// Every field is named where it is read, so a field that a handler doesn't know can't slip through: it is refused by
/// name, with its own sentence when it is one that only the server sets (invariant 9).
package struct FieldReader {
    private var rest: JSONObject
    private let path: String

    package init(_ object: JSONObject, path: String = "") {
        rest = object
        self.path = path
    }

    /// What a partial edit says of a field.
    package enum Edit<Value> {
        case absent
        case clear
        case set(Value)
    }

    // MARK: Text

    package mutating func required<T: FieldText>(_ name: String, as _: T.Type = T.self) throws(InvalidField) -> T {
        guard let value = take(name) else { throw invalid(name, "is required") }
        return try parse(name, value)
    }

    /// `nil` when the field is absent or null.
    package mutating func optional<T: FieldText>(_ name: String, as _: T.Type = T.self) throws(InvalidField) -> T? {
        guard let value = take(name), value != .null else { return nil }
        return try parse(name, value)
    }

    /// A field that may be left alone or set, but not taken away.
    package mutating func settable<T: FieldText>(_ name: String, as _: T.Type = T.self) throws(InvalidField) -> T? {
        guard let value = take(name) else { return nil }
        return try parse(name, value)
    }

    package mutating func edit<T: FieldText>(_ name: String, as _: T.Type = T.self) throws(InvalidField) -> Edit<T> {
        guard let value = take(name) else { return .absent }
        return value == .null ? .clear : .set(try parse(name, value))
    }

    package mutating func texts<T: FieldText>(
        _ name: String, as _: T.Type = T.self, atMost limit: Int
    ) throws(InvalidField) -> [T]? {
        guard let value = take(name) else { return nil }
        guard let array = value.array else { throw invalid(name, "must be an array of strings, but is \(value.kind)") }
        guard array.count <= limit else { throw invalid(name, "must have at most \(limit) elements") }
        var texts: [T] = []
        for (index, element) in array.enumerated() { texts.append(try parse("\(name)[\(index)]", element)) }
        return texts
    }

    /// A list that may be taken away. An empty one is refused: whether it means nothing or everything would be
    /// anybody's guess.
    package mutating func editTexts<T: FieldText>(
        _ name: String, as _: T.Type = T.self, in range: ClosedRange<Int>
    ) throws(InvalidField) -> Edit<[T]> {
        guard let value = rest[name] else { return .absent }
        if value == .null {
            rest[name] = nil
            return .clear
        }
        guard let texts: [T] = try texts(name, atMost: range.upperBound), texts.count >= range.lowerBound else {
            throw invalid(name, "must have at least \(range.lowerBound) element, or be null for no restriction")
        }
        return .set(texts)
    }

    // MARK: Other kinds

    /// `nil` when the field is absent or null.
    package mutating func time(_ name: String) throws(InvalidField) -> Timestamp? {
        guard let value = take(name), value != .null else { return nil }
        guard let text = value.string, let time = Timestamp(rfc3339: text.string) else {
            throw invalid(
                name,
                "must be a time in RFC 3339 of the years 0000 to 9999 in UTC, such as 2027-01-31T12:00:00Z, or null")
        }
        return time
    }

    package mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(InvalidField) -> Int? {
        guard let value = take(name) else { return nil }
        guard case .number(let number) = value, let integer = number.integer, let exact = Int(exactly: integer),
            range.contains(exact)
        else { throw invalid(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)") }
        return exact
    }

    /// An amount of credits. `nil` when the field is absent or null.
    package mutating func credits(_ name: String, in range: ClosedRange<Int64>) throws(InvalidField) -> Credits? {
        guard let value = take(name), value != .null else { return nil }
        return try credits(name, value, in: range)
    }

    package mutating func requiredCredits(_ name: String, in range: ClosedRange<Int64>) throws(InvalidField) -> Credits
    {
        guard let value = take(name) else { throw invalid(name, "is required") }
        return try credits(name, value, in: range)
    }

    /// An amount of credits that may be taken away.
    package mutating func editCredits(_ name: String, in range: ClosedRange<Int64>) throws(InvalidField) -> Edit<
        Credits
    > {
        guard let value = take(name) else { return .absent }
        return value == .null ? .clear : .set(try credits(name, value, in: range))
    }

    private func credits(_ name: String, _ value: JSON, in range: ClosedRange<Int64>) throws(InvalidField) -> Credits {
        guard case .number(let number) = value, let credits = Credits(decimal: number.literal),
            range.contains(credits.micro)
        else {
            throw invalid(name, Credits.rule(range))
        }
        return credits
    }

    /// - Parameter otherwise: what an absent field or null stands for; `nil` where a price has to be given.
    package mutating func price(_ name: String, otherwise: Price? = nil) throws(InvalidField) -> Price {
        if let otherwise, rest[name] == nil || rest[name] == .null {
            rest[name] = nil
            return otherwise
        }
        guard let price = Price(try requiredCredits(name, in: Price.range)) else {
            throw invalid(name, "is out of range")
        }
        return price
    }

    package mutating func multiplier(_ name: String) throws(InvalidField) -> Multiplier {
        guard let value = take(name) else { throw invalid(name, "is required") }
        guard case .number(let number) = value, let multiplier = Multiplier(decimal: number.literal) else {
            throw invalid(name, "must be a number from 0 to 1000 with at most 6 decimal places")
        }
        return multiplier
    }

    /// A time that may be taken away.
    package mutating func editTime(_ name: String) throws(InvalidField) -> Edit<Timestamp> {
        guard rest[name] != nil else { return .absent }
        return try time(name).map { .set($0) } ?? .clear
    }

    /// `nil` when the field is absent.
    package mutating func flag(_ name: String) throws(InvalidField) -> Bool? {
        guard let value = take(name) else { return nil }
        guard case .bool(let flag) = value else { throw invalid(name, "must be true or false") }
        return flag
    }

    package mutating func object(_ name: String) throws(InvalidField) -> JSONObject? {
        guard let value = take(name) else { return nil }
        guard let object = value.object else { throw invalid(name, "must be an object, but is \(value.kind)") }
        return object
    }

    /// Refuses a field about which more can be said than that it is not known.
    package func refuse(_ name: String, _ rule: String) throws(InvalidField) {
        if rest[name] != nil { throw invalid(name, rule) }
    }

    /// Refuses what is left. Call it last.
    package func noOthers(setByServer: Set<String> = []) throws(InvalidField) {
        guard let other = rest.members.first?.name else { return }
        if setByServer.contains(where: { Text($0) == other }) { throw invalid(other.string, "is set by the server") }
        // The name comes from the caller: only a printable, short one is repeated.
        let shown = OptionalName(other)?.text ?? "(a name that is not shown)"
        throw invalid(shown, "is not a known field")
    }

    private mutating func take(_ name: String) -> JSON? {
        guard let value = rest[name] else { return nil }
        rest[name] = nil
        return value
    }

    private func parse<T: FieldText>(_ name: String, _ value: JSON) throws(InvalidField) -> T {
        guard let text = value.string else { throw invalid(name, "must be a string, but is \(value.kind)") }
        guard let parsed = T(text) else { throw invalid(name, T.refusal(of: text)) }
        return parsed
    }

    private func invalid(_ name: String, _ rule: String) -> InvalidField { InvalidField(path + name, rule) }
}
