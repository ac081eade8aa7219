import Hummingbird
import Management
import NIOCore
import Values

/// What a form sent (`application/x-www-form-urlencoded`), within bounds.
///
/// A field that breaks its rule is noted, and the reading goes on, so that a person is told everything at once and what
/// they typed stays.
struct Form: Sendable {
    /// In bytes. A system prompt of 32,768 characters has to fit, at up to nine bytes each when it is escaped.
    static let longest = 320 * 1024
    /// In bytes, where anybody may send one.
    static let longestOpen = 32 * 1024
    /// In bytes, of a sign-in, which may carry the longest form, with 8 bytes more for each of its fields.
    static let longestCarrying = 356 * 1024
    private static let mostFields = 500

    private var values: [Text: [Text]] = [:]
    /// For each field that broke a rule: what to say beside it.
    private(set) var faults: [String: String] = [:]
    /// What to say above the form, when it broke no rule of one field.
    private(set) var failure: String?
    let strings: Strings

    /// - Throws: what is no form, or has more fields than any of ours.
    init(_ bytes: ByteBuffer, _ strings: Strings) throws {
        self.strings = strings
        var count = 0
        for part in bytes.readableBytesView.split(separator: UInt8(ascii: "&")) {
            count += 1
            guard count <= Self.mostFields else { throw HTTPError(.badRequest) }
            let end = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            let name = Self.decoded(part[..<end])
            let value = end < part.endIndex ? Self.decoded(part[part.index(after: end)...]) : Text("")
            values[name, default: []].append(value)
        }
    }

    /// A form that nobody has filled in yet.
    init(_ strings: Strings) { self.strings = strings }

    /// A `%` that begins no escape stands for itself (URL Standard §5.1).
    private static func decoded(_ bytes: ByteBufferView.SubSequence) -> Text {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), bytes.distance(from: index, to: bytes.endIndex) > 2,
                let high = digit(bytes[bytes.index(index, offsetBy: 1)]),
                let low = digit(bytes[bytes.index(index, offsetBy: 2)])
            {
                decoded.append(high << 4 | low)
                index = bytes.index(index, offsetBy: 3)
            } else {
                decoded.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
                index = bytes.index(after: index)
            }
        }
        return Text(decoding: decoded)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    // MARK: Reading

    /// As it was typed; empty when the form didn't have it.
    func text(_ name: String) -> Text { values[Text(name)]?.first ?? "" }

    /// All values of one name, such as those of boxes that were ticked.
    func texts(_ name: String) -> [Text] { values[Text(name)] ?? [] }

    /// Whether a box was ticked or a button of this name pressed.
    func has(_ name: String) -> Bool { values[Text(name)] != nil }

    /// A field of several lines. Browsers send each line's end as two characters.
    func lines(_ name: String) -> Text {
        Text(
            decoding: text(name).utf8.enumerated().lazy.filter { [all = Array(text(name).utf8)] index, byte in
                !(byte == 0x0D && index + 1 < all.count && all[index + 1] == 0x0A)
            }.map(\.element))
    }

    /// A field that must be filled in; `nil` when it broke its rule, which is noted.
    mutating func required<T: FieldText>(_ name: String, as _: T.Type = T.self) -> T? {
        if text(name).isEmpty {
            note(name, strings("invalid.required"))
            return nil
        }
        return read(name, text(name))
    }

    /// A field that may be left empty; `nil` then, and when it broke its rule, which is noted.
    mutating func optional<T: FieldText>(_ name: String, as _: T.Type = T.self) -> T? {
        text(name).isEmpty ? nil : read(name, text(name))
    }

    /// The same for a field of several lines.
    mutating func optionalLines<T: FieldText>(_ name: String, as _: T.Type = T.self) -> T? {
        let text = lines(name)
        return text.isEmpty ? nil : read(name, text)
    }

    private mutating func read<T: FieldText>(_ name: String, _ text: Text) -> T? {
        if let value = T(text) { return value }
        note(name, strings.rule(T.refusal(of: text)))
        return nil
    }

    /// Notes what is wrong with a field; what was noted first stays.
    mutating func note(_ name: String, _ sentence: String) { if faults[name] == nil { faults[name] = sentence } }

    /// Notes why the platform didn't do what the form asks for: beside the field that it is about, or above all.
    /// - Parameter names: of fields that are called otherwise here than in a draft.
    mutating func note(_ refusal: Refusal, names: [String: String] = [:]) {
        for broken in refusal.fields {
            let field = String(broken.field.prefix { $0 != "[" })
            let name = names[field] ?? field
            if values[Text(name)] == nil {
                failure = strings.rule(broken.rule)
            } else {
                note(name, strings.rule(broken.rule))
            }
        }
        if refusal.fields.isEmpty { failure = strings.sentence(refusal) }
    }

    /// The same for the form of a key, in words that a form has.
    mutating func noteOfKey(_ refusal: Refusal) {
        if refusal.fields.contains(where: { $0.field == "expired_at" }) { note("expired_at", strings("invalid.past")) }
        note(refusal)
    }

    /// Whether no field has broken a rule so far.
    var isGood: Bool { faults.isEmpty && failure == nil }

    /// What was typed, for a page that keeps it; nothing that is secret.
    var carried: [Carried] {
        values.sorted { $0.key < $1.key }.filter { !Self.secretNames.contains($0.key) }
            .flatMap { name, values in values.map { Carried(name: name.string, value: $0.string) } }
    }

    private static let secretNames: Set<Text> = [
        "csrf", "password", "current_password", "new_password", "code", "token", "secret", "waiting", "once",
    ]

    struct Carried: View {
        let name: String
        let value: String
    }

    // MARK: Carried through a sign-in

    private static let carrier = "carried."

    /// A form that carries another one: nothing of it is a field of its own.
    init(carrying other: Form, _ strings: Strings) {
        self.strings = strings
        for field in other.carried { values[Text(Self.carrier + field.name), default: []].append(Text(field.value)) }
    }

    /// What this form carries of another one, under the names of that one.
    var carriedOn: [Carried] {
        values.sorted { $0.key < $1.key }.filter { $0.key.hasPrefix(Text(Self.carrier)) }
            .flatMap { name, values in
                values.map { Carried(name: String(name.string.dropFirst(Self.carrier.count)), value: $0.string) }
            }
    }

    /// Where the form goes that this one carries.
    var carriedTo: String? { LocalPath(text("carried_to"))?.text }

    // MARK: Showing again

    /// A field as the partial `field` shows it, with what was typed and what is wrong with it.
    /// - Parameters:
    ///   - value: shown while nothing was sent.
    ///   - isSecret: what was typed is not sent back.
    ///   - least: how many characters the browser asks for at least.
    func field(
        _ name: String, value: String = "", label: String, help: String? = nil, type: String = "text",
        autocomplete: String = "off", isOptional: Bool = false, isSecret: Bool = false, hasFocus: Bool = false,
        least: Int? = nil
    ) -> Field {
        Field(
            name: name, value: isSecret ? "" : has(name) ? text(name).string : value, label: label, help: help,
            fault: faults[name], type: type, autocomplete: autocomplete, isOptional: isOptional,
            isRequired: !isOptional, hasFocus: hasFocus, least: least)
    }
}
