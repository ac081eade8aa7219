/// Walks through a checked text from value to value, and into those that the reader names. It trusts the text, so it can
/// only be had from a ``JSONOutline``.
package struct JSONCursor {
    private let bytes: UnsafeRawBufferPointer
    /// Where the value (or the member name) at which it stands begins.
    package private(set) var at: Int

    init(_ bytes: UnsafeRawBufferPointer, at place: Int) {
        self.bytes = bytes
        at = place
        skipSpace()
    }

    /// What the value is at which it stands.
    package var kind: JSONKind { JSONKind(first: bytes[at]) }

    /// Whether it stands at `true`.
    package var isTrue: Bool { bytes[at] == UInt8(ascii: "t") }

    /// Steps into the array or object at which it stands: to the first element, or to the name of the first member.
    /// - Returns: `false` when it is empty; the cursor is then behind it.
    package mutating func enter() -> Bool {
        at += 1
        skipSpace()
        guard bytes[at] == UInt8(ascii: "]") || bytes[at] == UInt8(ascii: "}") else { return true }
        at += 1
        return false
    }

    /// Steps from the name of a member to its value.
    /// - Returns: the name's place, its quotation marks included.
    package mutating func name() -> Range<Int> {
        let start = at
        skipString()
        defer {
            skipSpace()
            at += 1
            skipSpace()
        }
        return start..<at
    }

    /// Steps behind the value at which it stands.
    /// - Returns: the value's place.
    @discardableResult
    package mutating func skip() -> Range<Int> {
        let start = at
        switch kind {
        case .string: skipString()
        case .array, .object: skipContainer()
        case .null, .bool, .number: skipWord()
        }
        return start..<at
    }

    /// Steps from behind a value to the next element or member name.
    /// - Returns: `false` when there is none; the cursor is then behind the array or object that it was in.
    package mutating func next() -> Bool {
        skipSpace()
        let hasNext = bytes[at] == UInt8(ascii: ",")
        at += 1
        if hasNext { skipSpace() }
        return hasNext
    }

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 {
            at += 1
        }
    }

    private mutating func skipString() {
        at += 1
        while true {
            EightBytes.skipPlain(bytes, &at, isASCII: false)
            switch bytes[at] {
            case UInt8(ascii: "\""):
                at += 1
                return
            case UInt8(ascii: "\\"): at += 2
            default: at += 1
            }
        }
    }

    private mutating func skipContainer() {
        var depth = 0
        repeat {
            switch bytes[at] {
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                at += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                at += 1
            case UInt8(ascii: "\""): skipString()
            default: at += 1
            }
        } while depth > 0
    }

    /// A number or one of the three words.
    private mutating func skipWord() {
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), 0x20, 0x0A, 0x0D, 0x09: return
            default: at += 1
            }
        }
    }
}
