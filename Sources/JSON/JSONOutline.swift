package import Values

/// A text that has been checked, without a tree: what a reader wants of it is found by a walk, as places in the text.
///
/// For bodies that pass through: a gateway needs five members of a text of megabytes, and a tree of `[[]],[[]],…` takes
/// twenty times the text. Making an outline takes one walk and at most the memory of the text (four bytes for each name
/// of the objects that are open at one time), whatever the text is; a finished one holds nothing but the pointer.
///
/// The rules are those of RFC 8259, strictly: UTF-8, no byte order mark, no member name twice in one object (compared by
/// the code units that it stands for, §8.3), no lone surrogates, at most ``JSON/maximumDepth`` levels, nothing after the
/// value.
///
///     try bytes.withUnsafeBytes { bytes in
///         let outline = try JSONOutline(bytes)
///         var cursor = outline.cursor()
///         guard outline.kind == .object, cursor.enter() else { return }
///         repeat {
///             let name = cursor.name()
///             let value = cursor.skip()
///             if outline.string(name, is: "model") { … }
///         } while cursor.next()
///     }
package struct JSONOutline {
    let bytes: UnsafeRawBufferPointer
    private let start: Int

    /// - Parameter bytes: must stay as they are for as long as the outline and its cursors are used.
    /// - Throws: the first thing in the text that is against the rules.
    package init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        try JSONScanner.check(bytes)
        self.init(checked: bytes)
    }

    /// The outline of a text that has been checked before, and not changed since.
    package init(checked bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        start = JSONCursor(bytes, at: 0).at
    }

    /// What the whole text is.
    package var kind: JSONKind { JSONKind(first: bytes[start]) }

    /// Stands at the value that the whole text is.
    package func cursor() -> JSONCursor { JSONCursor(bytes, at: start) }

    /// Stands at the value that begins at `place`, which must be the beginning of one.
    package func cursor(at place: Int) -> JSONCursor { JSONCursor(bytes, at: place) }

    /// What the string at `range` (its quotation marks included) stands for.
    package func text(_ range: Range<Int>) -> Text {
        let inner = range.lowerBound + 1..<range.upperBound - 1
        let written = UnsafeRawBufferPointer(rebasing: bytes[inner])
        if !written.contains(UInt8(ascii: "\\")) { return Text(decoding: written) }
        return Text(decoding: Array(stringBytes(range)))
    }

    /// The bytes that the string at `range` stands for, one by one: for what may be too long to be made a text.
    package func stringBytes(_ range: Range<Int>) -> JSONStringBytes {
        JSONStringBytes(bytes, from: range.lowerBound + 1)
    }

    /// Whether the string at `range` stands for exactly this text.
    package func string(_ range: Range<Int>, is other: Text) -> Bool {
        // What is escaped is longer than what it stands for, so the lengths nearly always tell.
        let (count, wanted) = (range.count - 2, other.utf8.count)
        if count < wanted { return false }
        let inner = UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound + 1..<range.upperBound - 1])
        if count > wanted, !inner.contains(UInt8(ascii: "\\")) { return false }
        var mine = stringBytes(range)
        for byte in other.utf8 where mine.next() != byte { return false }
        return mine.next() == nil
    }
}
