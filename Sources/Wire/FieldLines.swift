package import NIOCore

/// The field lines of a head, as places in its bytes: no text is made before somebody asks for it.
///
/// What is here has been checked: names are tokens (RFC 9110 §5.6.2), values have no control byte but tabs and no blank at
/// either end. Values may have bytes above 0x7F, which need not be UTF-8.
package struct FieldLines: Sendable {
    /// One line; its places count from the first byte of the head.
    struct Line: Sendable {
        var name: UInt32
        var nameCount: UInt32
        var value: UInt32
        var valueCount: UInt32

        var namePlace: Range<Int> { Int(name)..<Int(name) + Int(nameCount) }
        var valuePlace: Range<Int> { Int(value)..<Int(value) + Int(valueCount) }
    }

    /// The whole head, without what came after it.
    let head: ByteBuffer
    let lines: [Line]

    package var count: Int { lines.count }

    /// The value of the first line of this name.
    /// - Parameter name: ASCII in lower case.
    package func first(_ name: StaticString) -> ByteBufferView? {
        head.withUnsafeReadableBytes { bytes in
            lines.first { $0.isNamed(name, in: bytes) }
        }.map { head.view($0.valuePlace) }
    }

    /// How many lines have this name.
    /// - Parameter name: ASCII in lower case.
    package func count(_ name: StaticString) -> Int {
        head.withUnsafeReadableBytes { bytes in
            var count = 0
            for line in lines where line.isNamed(name, in: bytes) { count += 1 }
            return count
        }
    }

    /// Every line, in the order in which they came. Names are as they were written.
    package func forEach(_ body: (_ name: ByteBufferView, _ value: ByteBufferView) -> Void) {
        for line in lines { body(head.view(line.namePlace), head.view(line.valuePlace)) }
    }

    /// The same as ``forEach(_:)`` without views, for what is copied at once. The bytes must not leave `body`.
    package func forEachBytes(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        head.withUnsafeReadableBytes { bytes in
            for line in lines { body(bytes.part(line.namePlace), bytes.part(line.valuePlace)) }
        }
    }
}

extension FieldLines.Line {
    func isNamed(_ other: StaticString, in head: UnsafeRawBufferPointer) -> Bool {
        guard Int(nameCount) == other.utf8CodeUnitCount else { return false }
        return head.part(namePlace).isLowercased(other)
    }
}
