import Mustache
import Synchronization
import Values

/// What a template shows: a plain struct whose properties are the values of the template.
///
/// A property is a `String`, a `Bool`, an `Int` for an attribute, another view, or an array or an optional of these. A
/// number that is read has been put into words before, in the person's language.
package protocol View: Sendable {}

/// A view on its way into a template: every text escaped, every property found by its name.
///
/// The texts are escaped here, byte by byte, and templates escape nothing themselves. (The library goes by what Swift takes
/// for one character, and so would miss a quotation mark with a combining accent on it.)
enum Node {
    static func of(_ value: Any) -> Any {
        switch value {
        case let text as String: return escaped(text)
        case let flag as Bool: return flag
        case let number as Int: return String(number)
        default: break
        }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: return mirror.children.first.map { of($0.value) } ?? Absent()
        case .collection: return mirror.children.map { of($0.value) }
        case .struct:
            precondition(value is any View, "no view: \(type(of: value))")
            return fields(mirror)
        default: preconditionFailure("a template can't show a \(type(of: value))")
        }
    }

    static func fields(_ mirror: Mirror) -> [String: Any] {
        var fields: [String: Any] = [:]
        for child in mirror.children {
            if let label = child.label { fields[label] = of(child.value) }
        }
        return fields
    }

    /// For the text of an element and for an attribute in quotation marks.
    static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { replacement($0) != nil }) else { return text }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 32)
        for byte in text.utf8 {
            if let replacement = replacement(byte) { bytes += replacement.utf8 } else { bytes.append(byte) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func replacement(_ byte: UInt8) -> StaticReplacement? {
        switch byte {
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "\""): "&quot;"
        case UInt8(ascii: "'"): "&#39;"
        // No HTML can hold it.
        case 0: "\u{FFFD}"
        default: nil
        }
    }

    private typealias StaticReplacement = String

    /// An optional that is not there: it ends the search for its name.
    private struct Absent: MustacheCustomRenderable {
        let isNull = true
        let renderText = ""
    }
}

/// The outermost values of a page, and what its template asked for in vain.
final class Scene: MustacheParent {
    private let values: [String: Any]
    private let strings: Strings
    private let asked = Mutex<Set<String>>([])

    init(_ values: [String: Any], _ strings: Strings) {
        self.values = values
        self.strings = strings
    }

    /// Names that no view has. A page with a hole is a defect.
    var missing: Set<String> { asked.withLock { $0 } }

    func child(named name: String) -> Any? {
        if name == "t" { return TextNode(key: "", strings: strings) }
        if let value = values[name] { return value }
        asked.withLock { _ = $0.insert(name) }
        return nil
    }

    /// A text of the catalogue, or what begins a key: `t.keys.title`.
    private struct TextNode: MustacheParent, MustacheCustomRenderable {
        let key: String
        let strings: Strings

        var isNull: Bool { false }
        var renderText: String { Node.escaped(strings(key)) }

        func child(named name: String) -> Any? {
            TextNode(key: key.isEmpty ? name : key + "." + name, strings: strings)
        }
    }
}
