import Glibc

/// A walk over a JSON text by places, without a tree: what an answer is made of can be told from a few members of it.
///
/// It reads structure alone, and is looser than `JSON.parse` on purpose. A name that comes twice or half of a surrogate
/// pair in what a model said is between the provider and the caller's library; whether the text ends where it should is
/// not. So it is for what upstreams send, and never for a caller's text. A text that is not whole yet can be walked too: what is cut is given as far as it goes.
package struct JSONWalk {
    /// How deeply a text may be nested; what is deeper is malformed.
    package static let maximumDepth = 128

    package enum Extent: Equatable {
        case whole
        /// The text ends before the value does.
        case cut
        case malformed
    }

    package struct Value {
        /// The first byte, which tells the kind.
        package let first: UInt8
        package let range: Range<Int>
        package let extent: Extent

        package var isObject: Bool { first == UInt8(ascii: "{") }
        package var isArray: Bool { first == UInt8(ascii: "[") }
        package var isString: Bool { first == UInt8(ascii: "\"") }
    }

    package let bytes: UnsafeRawBufferPointer

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The one value of the text; malformed when something follows it. `nil` when there is none yet.
    package func text() -> Value? {
        guard let value = value(at: 0) else { return nil }
        guard value.extent == .whole, skipSpace(from: value.range.upperBound) < bytes.count else { return value }
        return Value(first: value.first, range: value.range, extent: .malformed)
    }

    /// The members of an object, in their order, until `body` answers `false`. A member that is cut before its value is
    /// left out.
    package func forEachMember(of object: Value, _ body: (_ name: Range<Int>, _ value: Value) -> Bool) {
        guard object.isObject else { return }
        var at = skipSpace(from: object.range.lowerBound + 1)
        while at < object.range.upperBound, bytes[at] == UInt8(ascii: "\"") {
            let (nameEnd, extent) = skipString(from: at)
            guard extent == .whole else { return }
            let name = at + 1..<nameEnd - 1
            at = skipSpace(from: nameEnd)
            guard at < object.range.upperBound, bytes[at] == UInt8(ascii: ":"), let value = value(at: at + 1),
                value.extent != .malformed, body(name, value), value.extent == .whole
            else { return }
            at = skipSpace(from: value.range.upperBound)
            guard at < object.range.upperBound, bytes[at] == UInt8(ascii: ",") else { return }
            at = skipSpace(from: at + 1)
        }
    }

    /// The elements of an array, in their order, until `body` answers `false`.
    package func forEachElement(of array: Value, _ body: (Value) -> Bool) {
        guard array.isArray else { return }
        var at = array.range.lowerBound + 1
        while let value = value(at: at), value.first != UInt8(ascii: "]"), value.extent != .malformed, body(value),
            value.extent == .whole
        {
            at = skipSpace(from: value.range.upperBound)
            guard at < array.range.upperBound, bytes[at] == UInt8(ascii: ",") else { return }
            at += 1
        }
    }

    /// The first member of this name, compared by the bytes as written.
    package func member(_ name: StaticString, of object: Value) -> Value? {
        var found: Value?
        forEachMember(of: object) { range, value in
            guard equals(range, name) else { return true }
            found = value
            return false
        }
        return found
    }

    package func equals(_ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
        return memcmp(base + range.lowerBound, word.utf8Start, range.count) == 0
    }

    /// Whether this word, which is no JSON, is all that there is from a value on, blanks aside.
    package func isAll(from value: Value, _ word: StaticString) -> Bool {
        let start = value.range.lowerBound
        let end = start + word.utf8CodeUnitCount
        return end <= bytes.count && equals(start..<end, word) && skipSpace(from: end) == bytes.count
    }

    /// Whether a value is this string, compared by the bytes as written.
    package func isString(_ value: Value, _ word: StaticString) -> Bool {
        value.isString && equals(inside(value), word)
    }

    /// The bytes between the quotation marks of a value that is a string, as written; of a string that is cut, as far as they go.
    package func inside(_ string: Value) -> Range<Int> {
        string.range.lowerBound + 1..<string.range.upperBound - (string.extent == .whole ? 1 : 0)
    }

    /// Whether a value says nothing: `null`, `false`, zero, and what is empty.
    package func isBlank(_ value: Value) -> Bool {
        switch value.first {
        case UInt8(ascii: "n"), UInt8(ascii: "f"): return true
        case UInt8(ascii: "\""): return inside(value).isEmpty
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let next = skipSpace(from: value.range.lowerBound + 1)
            guard next < value.range.upperBound else { return true }
            return bytes[next] == UInt8(ascii: "}") || bytes[next] == UInt8(ascii: "]")
        case UInt8(ascii: "t"): return false
        default:
            let digits = bytes[value.range].prefix { $0 != UInt8(ascii: "e") && $0 != UInt8(ascii: "E") }
            return !digits.contains { (UInt8(ascii: "1")...UInt8(ascii: "9")).contains($0) }
        }
    }

    // MARK: Structure

    /// The value that begins at a place or after the blanks there; `nil` when the text ends before it.
    private func value(at place: Int) -> Value? {
        let start = skipSpace(from: place)
        guard start < bytes.count else { return nil }
        let (end, extent) = skipValue(from: start)
        return Value(first: bytes[start], range: start..<end, extent: extent)
    }

    private func skipSpace(from place: Int) -> Int {
        var at = place
        while at < bytes.count, Self.isSpace(bytes[at]) { at += 1 }
        return at
    }

    package static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// From the opening quotation mark to after the closing one.
    private func skipString(from start: Int) -> (end: Int, Extent) {
        var at = start + 1
        while at < bytes.count {
            EightBytes.skipPlain(bytes, &at, isASCII: false)
            guard at < bytes.count else { break }
            switch bytes[at] {
            case UInt8(ascii: "\""): return (at + 1, .whole)
            case UInt8(ascii: "\\"): at += 2
            case 0..<0x20: return (at, .malformed)
            default: at += 1
            }
        }
        return (bytes.count, .cut)
    }

    private func skipValue(from start: Int) -> (end: Int, Extent) {
        switch bytes[start] {
        case UInt8(ascii: "\""): return skipString(from: start)
        case UInt8(ascii: "{"), UInt8(ascii: "["): return skipNested(from: start)
        case UInt8(ascii: "t"): return skipWord("true", from: start)
        case UInt8(ascii: "f"): return skipWord("false", from: start)
        case UInt8(ascii: "n"): return skipWord("null", from: start)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            var at = start + 1
            while at < bytes.count, Self.isOfNumber(bytes[at]) { at += 1 }
            // A digit may follow.
            return (at, at < bytes.count || start == 0 ? .whole : .cut)
        default: return (start, .malformed)
        }
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    private func skipWord(_ word: StaticString, from start: Int) -> (end: Int, Extent) {
        for index in 0..<word.utf8CodeUnitCount {
            guard start + index < bytes.count else { return (bytes.count, .cut) }
            guard bytes[start + index] == word.utf8Start[index] else { return (start, .malformed) }
        }
        return (start + word.utf8CodeUnitCount, .whole)
    }

    /// An array or an object, with all in it. Its own stack is two words, however deep the text is.
    private func skipNested(from start: Int) -> (end: Int, Extent) {
        var at = start
        var depth = 0
        // One bit for each level that is open: whether it is an object.
        var objects: (UInt64, UInt64) = (0, 0)
        // Whether a value (in an object: a member) has to come, may come, or has just ended.
        var awaits = Awaited.value
        while true {
            at = skipSpace(from: at)
            guard at < bytes.count else { return (bytes.count, .cut) }
            let byte = bytes[at]
            switch (awaits, byte) {
            case (.value, UInt8(ascii: "{")), (.value, UInt8(ascii: "[")), (.firstElement, UInt8(ascii: "{")),
                (.firstElement, UInt8(ascii: "[")):
                guard depth < Self.maximumDepth else { return (at, .malformed) }
                let isObject = byte == UInt8(ascii: "{")
                depth += 1
                objects = (objects.0 << 1 | objects.1 >> 63, objects.1 << 1 | (isObject ? 1 : 0))
                at += 1
                awaits = isObject ? .firstName : .firstElement
            case (.firstName, UInt8(ascii: "}")), (.firstElement, UInt8(ascii: "]")), (.comma, UInt8(ascii: "}")),
                (.comma, UInt8(ascii: "]")):
                guard (objects.1 & 1 == 1) == (byte == UInt8(ascii: "}")) else { return (at, .malformed) }
                depth -= 1
                objects = (objects.0 >> 1, objects.1 >> 1 | objects.0 << 63)
                at += 1
                if depth == 0 { return (at, .whole) }
                awaits = .comma
            case (.comma, UInt8(ascii: ",")):
                at += 1
                awaits = objects.1 & 1 == 1 ? .name : .value
            case (.firstName, UInt8(ascii: "\"")), (.name, UInt8(ascii: "\"")):
                let (end, extent) = skipString(from: at)
                guard extent == .whole else { return (end, extent) }
                at = skipSpace(from: end)
                guard at < bytes.count else { return (bytes.count, .cut) }
                guard bytes[at] == UInt8(ascii: ":") else { return (at, .malformed) }
                at += 1
                awaits = .value
            case (.value, _), (.firstElement, _):
                let (end, extent) = skipValue(from: at)
                guard extent == .whole else { return (end, extent) }
                at = end
                awaits = .comma
            default: return (at, .malformed)
            }
        }
    }

    private enum Awaited { case value, firstElement, firstName, name, comma }
}
