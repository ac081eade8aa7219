import Crypto
package import Values

/// The question that a cursor of the API belongs to, in short. With another filter or another order, the same cursor would
/// silently leave entries out; so where a list can be filtered, a cursor bears the mark of its question.
///
/// It only has to find mistakes: who makes one up reads what they may read anyway.
package struct CursorMark: Sendable, Hashable {
    /// The first 64 bits of SHA-256, as 16 hexadecimal digits.
    package let text: String

    /// - Parameter parts: all that the question says, each at its place. None has a zero byte.
    package init(_ parts: [Text]) {
        var hash = SHA256()
        for part in parts { hash.update(data: Array(part.utf8) + [0]) }
        text = hash.finalize().prefix(8).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }
}
