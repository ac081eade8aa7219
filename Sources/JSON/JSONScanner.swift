import Values

/// The grammar: walks once through a text and says whether it is JSON as ``JSONOutline`` asks for it. Every reader of JSON
/// in this house stands on this one, so that no two of them can differ about what a text says.
///
/// It remembers nothing of what it has passed but the places of the names in objects that are still open.
struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0
    private var names: OpenNames

    /// - Throws: the first thing in the text that is against the rules.
    static func check(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        var scanner = JSONScanner(bytes)
        do {
            try scanner.text()
        } catch {
            // Names are compared when their object ends, and an error may come before that. Told is what stands first.
            throw scanner.names.firstRepetition().map { JSONError(repetitionBefore: $0) } ?? error
        }
    }

    private init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        names = OpenNames(of: bytes)
    }

    private mutating func text() throws(JSONError) {
        if bytes.count > OpenNames.longestText { throw error("it is longer than 4 GiB") }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw error("it begins with a byte order mark") }
        skipSpace()
        try value(depth: 0)
        skipSpace()
        if at != bytes.count { throw error("there is something after the value") }
    }

    private func error(_ rule: String) -> JSONError { JSONError(offset: at, rule: rule) }
    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    /// Steps over `byte` where it is the next one.
    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        at += 1
        return true
    }

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 {
            at += 1
        }
    }

    private mutating func value(depth: Int) throws(JSONError) {
        if depth > JSON.maximumDepth { throw error("it is nested more than \(JSON.maximumDepth) levels deep") }
        guard let first = next else { throw error("it ends too early") }
        switch first {
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try array(depth: depth)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        default: throw error("a value was expected")
        }
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount {
            guard next == word.utf8Start[index] else { throw error("a value was expected") }
            at += 1
        }
    }

    private mutating func object(depth: Int) throws(JSONError) {
        at += 1
        skipSpace()
        if take("}") { return }
        names.open()
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("a member name was expected") }
            let name = at + 1
            try string()
            if let repetition = names.add(at: name) { throw JSONError(repetitionBefore: repetition) }
            skipSpace()
            guard take(":") else { throw error("a colon was expected") }
            skipSpace()
            try value(depth: depth + 1)
            skipSpace()
        } while take(",")
        guard take("}") else { throw error("a comma or a closing brace was expected") }
        if let repetition = names.close() { throw JSONError(repetitionBefore: repetition) }
    }

    private mutating func array(depth: Int) throws(JSONError) {
        at += 1
        skipSpace()
        if take("]") { return }
        repeat {
            skipSpace()
            try value(depth: depth + 1)
            skipSpace()
        } while take(",")
        guard take("]") else { throw error("a comma or a closing bracket was expected") }
    }

    private mutating func number() throws(JSONError) {
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            try digits()
        }
    }

    private mutating func digits() throws(JSONError) {
        let start = at
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
        if at == start { throw error("a digit was expected") }
    }
}

// MARK: Strings

extension JSONScanner {
    /// What is not UTF-8 is told at the end of the string, after what else is wrong with it.
    private mutating func string() throws(JSONError) {
        at += 1
        var isUTF8 = true
        var hasEscape = false
        while true {
            EightBytes.skipPlain(bytes, &at, isASCII: true)
            guard let byte = next else { throw error("a string does not end") }
            switch byte {
            case UInt8(ascii: "\""):
                if hasEscape { at += 1 }
                if !isUTF8 { throw error("a string is not valid UTF-8") }
                if !hasEscape { at += 1 }
                return
            case UInt8(ascii: "\\"):
                hasEscape = true
                try escape()
            case 0..<0x20: throw error("a string has an unescaped control character")
            case 0x20..<0x80: at += 1
            default:
                // Text that is not ASCII comes in runs.
                repeat {
                    let length = sequence()
                    if length == 0 { isUTF8 = false }
                    at += max(length, 1)
                } while at < bytes.count && bytes[at] >= 0x80
            }
        }
    }

    /// The length of the well-formed UTF-8 sequence of two to four bytes that begins here, or 0 when there is none
    /// (Unicode 15, table 3-7).
    private func sequence() -> Int {
        let lead = bytes[at]
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        guard lead >= 0xC2, lead <= 0xF4, at + length <= bytes.count else { return 0 }
        let least: UInt8 = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80
        let most: UInt8 = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF
        guard bytes[at + 1] >= least, bytes[at + 1] <= most else { return 0 }
        for offset in 2..<4 where offset < length && bytes[at + offset] & 0xC0 != 0x80 { return 0 }
        return length
    }

    private mutating func escape() throws(JSONError) {
        at += 1
        guard let byte = next else { throw error("a string does not end") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            break
        case UInt8(ascii: "u"):
            let unit = try codeUnit()
            let isWhole = UTF16.isLeadSurrogate(unit) ? try hasTrail() : !UTF16.isTrailSurrogate(unit)
            if !isWhole { throw error("a string has a lone surrogate") }
        default: throw error("a string has an unknown escape")
        }
    }

    private mutating func hasTrail() throws(JSONError) -> Bool {
        guard take("\\"), take("u") else { return false }
        return UTF16.isTrailSurrogate(try codeUnit())
    }

    private mutating func codeUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = next.flatMap(UInt16.init(hexDigit:)) else {
                throw error("four hexadecimal digits were expected")
            }
            unit = unit << 4 | digit
            at += 1
        }
        return unit
    }
}

extension JSONError {
    /// - Parameter end: where the second of two equal names ends.
    fileprivate init(repetitionBefore end: Int) {
        self.init(offset: end, rule: "a member name comes twice in one object")
    }
}

extension UInt16 {
    /// The value of a hexadecimal digit in ASCII.
    init?(hexDigit byte: UInt8) {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self = UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self = UInt16(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self = UInt16(byte - UInt8(ascii: "A") + 10)
        default: return nil
        }
    }
}
