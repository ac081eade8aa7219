import Values

@testable import JSON

/// A reader of JSON as plain as can be, to hold the real one against: it goes byte by byte, makes a tree as it goes,
/// compares each name when it comes, and leaves UTF-8 to the standard library.
struct PlainReader {
    let bytes: [UInt8]
    var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func text() throws(JSONError) -> JSON {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw error("it begins with a byte order mark") }
        skipSpace()
        let value = try value(depth: 0)
        skipSpace()
        if at != bytes.count { throw error("there is something after the value") }
        return value
    }

    private func error(_ rule: String) -> JSONError { JSONError(offset: at, rule: rule) }
    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 {
            at += 1
        }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        if depth > JSON.maximumDepth { throw error("it is nested more than \(JSON.maximumDepth) levels deep") }
        guard let first = next else { throw error("it ends too early") }
        switch first {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: throw error("a value was expected")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for index in 0..<word.utf8CodeUnitCount {
            guard next == word.utf8Start[index] else { throw error("a value was expected") }
            at += 1
        }
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        at += 1
        var members: [JSONObject.Member] = []
        // Small objects are compared name by name; from there on a set keeps a hostile one from costing n².
        var names: Set<Text>? = nil
        skipSpace()
        if next == UInt8(ascii: "}") {
            at += 1
            return JSONObject()
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("a member name was expected") }
            let name = try string()
            if members.count == 16 { names = Set(members.map(\.name)) }
            let isNew = names?.insert(name).inserted ?? !members.contains { $0.name == name }
            guard isNew else { throw error("a member name comes twice in one object") }
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw error("a colon was expected") }
            at += 1
            skipSpace()
            members.append(.init(name: name, value: try value(depth: depth + 1)))
            skipSpace()
            if next == UInt8(ascii: ",") {
                at += 1
                continue
            }
            guard next == UInt8(ascii: "}") else { throw error("a comma or a closing brace was expected") }
            at += 1
            return JSONObject(members: members)
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSON] {
        at += 1
        var elements: [JSON] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            at += 1
            return []
        }
        while true {
            skipSpace()
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if next == UInt8(ascii: ",") {
                at += 1
                continue
            }
            guard next == UInt8(ascii: "]") else { throw error("a comma or a closing bracket was expected") }
            at += 1
            return elements
        }
    }

    private mutating func number() throws(JSONError) -> JSONNumber {
        let start = at
        if next == UInt8(ascii: "-") { at += 1 }
        if next == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        return JSONNumber(checked: String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func digits() throws(JSONError) {
        let start = at
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
        if at == start { throw error("a digit was expected") }
    }

    private mutating func string() throws(JSONError) -> Text {
        at += 1
        let start = at
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { at += 1 }
        if next == UInt8(ascii: "\"") {
            defer { at += 1 }
            return try text(bytes[start..<at])
        }
        return try escapedString(from: start)
    }

    private mutating func escapedString(from start: Int) throws(JSONError) -> Text {
        var unescaped = Array(bytes[start..<at])
        while true {
            guard let byte = next else { throw error("a string does not end") }
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return try text(unescaped[...])
            case UInt8(ascii: "\\"): try escape(into: &unescaped)
            case 0..<0x20: throw error("a string has an unescaped control character")
            default:
                unescaped.append(byte)
                at += 1
            }
        }
    }

    private mutating func escape(into unescaped: inout [UInt8]) throws(JSONError) {
        at += 1
        guard let byte = next else { throw error("a string does not end") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"):
            let unit = try codeUnit()
            guard let scalar = UTF16.isLeadSurrogate(unit) ? try trail(after: unit) : Unicode.Scalar(unit) else {
                throw error("a string has a lone surrogate")
            }
            unescaped.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw error("a string has an unknown escape")
        }
    }

    private mutating func trail(after lead: UInt16) throws(JSONError) -> Unicode.Scalar? {
        guard next == UInt8(ascii: "\\") else { return nil }
        at += 1
        guard next == UInt8(ascii: "u") else { return nil }
        at += 1
        let trail = try codeUnit()
        guard UTF16.isTrailSurrogate(trail) else { return nil }
        return Unicode.Scalar(0x10000 + (UInt32(lead) & 0x3FF) << 10 + UInt32(trail) & 0x3FF)
    }

    private mutating func codeUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("four hexadecimal digits were expected")
            }
            unit = unit << 4 | UInt16(digit)
            at += 1
        }
        return unit
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws(JSONError) -> Text {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw error("a string is not valid UTF-8") }
        return Text(text)
    }
}
