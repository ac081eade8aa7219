import Glibc

/// Text from outside: names, words and values that somebody sent.
///
/// Two are equal when their UTF-8 bytes are. Swift's own `String` compares by canonical equivalence, which is wrong
/// here twice over. It takes different names for one: `é` for `e` and a combining accent, which RFC 8259 §8.3 tells
/// apart, or the Kelvin sign for `K`. And it sorts combining marks before it compares them, in a time that grows with
/// the square of their number. Everything here takes a time that grows with the bytes.
///
/// What has been checked to be ASCII (an identifier, a model's name, an e-mail address) may be a `String` again: of
/// ASCII texts, no two are equivalent that are not the same.
package struct Text: Sendable, Hashable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// For showing and for passing on; not for comparing.
    package let string: String

    package init(_ string: String) { self.string = string }

    package init(_ part: Substring) { string = String(part) }

    package init(_ part: Substring.UTF8View) { string = String(Substring(part)) }

    /// Bytes that are no UTF-8 become U+FFFD.
    package init(decoding bytes: some Collection<UInt8>) { string = String(decoding: bytes, as: UTF8.self) }

    package init(stringLiteral value: String) { string = value }

    package var utf8: String.UTF8View { string.utf8 }
    package var isEmpty: Bool { string.utf8.isEmpty }
    package var description: String { string }

    package static func == (left: Text, right: Text) -> Bool {
        left.withBytes { left in
            right.withBytes { right in
                guard left.count == right.count else { return false }
                guard let mine = left.baseAddress, let theirs = right.baseAddress else { return true }
                return memcmp(mine, theirs, left.count) == 0
            }
        }
    }

    /// The order of the bytes, which is that of the code points and that of the database.
    package static func < (left: Text, right: Text) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }

    package func hash(into hasher: inout Hasher) {
        withBytes { hasher.combine(bytes: $0) }
        // No byte of UTF-8: ends this text where another follows in the same hash.
        hasher.combine(0xFF as UInt8)
    }

    private func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        string.utf8.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
            ?? Array(string.utf8).withUnsafeBytes(body)
    }
}

extension Text {
    package var isASCII: Bool { utf8.allSatisfy { $0 < 0x80 } }

    package func hasPrefix(_ beginning: Text) -> Bool { utf8.starts(with: beginning.utf8) }

    /// Whether the bytes of another text, a short one, stand somewhere in this one. (The time is the product of both.)
    package func contains(_ part: Text) -> Bool {
        withBytes { whole in part.withBytes { whole.contains($0) } }
    }

    /// With the capitals of ASCII made small, and nothing else changed: what HTTP compares without case is ASCII.
    package var lowercased: Text {
        let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
        guard utf8.contains(where: capitals.contains) else { return self }
        return Text(decoding: utf8.map { capitals.contains($0) ? $0 | 0x20 : $0 })
    }

    /// Without the blanks and tabs around it (RFC 9110 §5.6.3).
    package var trimmed: Text {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let first = utf8.first, let last = utf8.last, isBlank(first) || isBlank(last) else { return self }
        var rest = utf8.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return Text(rest)
    }

    /// The parts between the separators, which are ASCII; empty ones too.
    package func split(on separators: Unicode.Scalar...) -> [Text] {
        let bytes = separators.map { UInt8(ascii: $0) }
        return utf8.split(omittingEmptySubsequences: false, whereSeparator: bytes.contains).map { Text($0) }
    }

    /// What stands before and after the first separator, which is ASCII; `nil` when there is none.
    package func split(atFirst separator: Unicode.Scalar) -> (before: Text, after: Text)? {
        guard let place = utf8.firstIndex(of: UInt8(ascii: separator)) else { return nil }
        return (Text(string[..<place]), Text(string[utf8.index(after: place)...]))
    }
}
