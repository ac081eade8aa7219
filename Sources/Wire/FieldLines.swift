package import NIOCore

/// The field lines of a head, as places in its bytes: no text is made before somebody asks for it.
///
/// What is here has been checked: names are tokens (RFC 9110 §5.6.2), values have no control byte but tabs and no blank at
/// either end. Values may have bytes above 0x7F, which need not be UTF-8.
package struct FieldLines: Sendable {
    /// One line.
    struct Line: Sendable {
        let name: Place
        let value: Place
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
        }.map { head.view($0.value) }
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
        for line in lines { body(head.view(line.name), head.view(line.value)) }
    }

    /// The same as ``forEach(_:)`` without views, for what is copied at once. The bytes must not leave `body`.
    package func forEachBytes(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        head.withUnsafeReadableBytes { bytes in
            for line in lines { body(bytes.part(line.name), bytes.part(line.value)) }
        }
    }
}

extension FieldLines.Line {
    func isNamed(_ other: StaticString, in head: UnsafeRawBufferPointer) -> Bool {
        guard name.count == other.utf8CodeUnitCount else { return false }
        return head.part(name).isLowercased(other)
    }
}
