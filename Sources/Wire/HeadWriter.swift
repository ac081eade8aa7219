package import NIOCore

/// Writes the head of a request or of an answer as bytes.
///
///     var head = HeadWriter(answer: 200)
///     head.fields(unchanging)
///     head.field("content-type", "application/json")
///     head.field("content-length", number: body.readableBytes)
///     try head.field("x-request-id", text: requestID)
///     let bytes = head.finish()
///
/// No field can become two: a value from elsewhere that has a carriage return, a line feed or another control byte is not
/// written, and the caller is told. Names and values that are literals of ours are not looked at.
package struct HeadWriter: Sendable {
    private var bytes: ByteBuffer

    /// Begins with the status line of an HTTP/1.1 answer. (So does the answer to a request of HTTP/1.0, RFC 9110 §6.2; it is
    /// the fields that must leave out what 1.0 doesn't know.)
    /// - Parameter status: 100 to 599.
    package init(answer status: Int, capacity: Int = 512, allocator: ByteBufferAllocator = ByteBufferAllocator()) {
        precondition((100...599).contains(status), "no status of HTTP")
        bytes = allocator.buffer(capacity: capacity)
        if let line = ReasonPhrase.line(status) {
            bytes.writeStaticString(line)
        } else {
            bytes.writeStaticString("HTTP/1.1 ")
            bytes.writeDecimal(status)
            bytes.writeStaticString(" \r\n")
        }
    }

    /// Begins with the request line of an HTTP/1.1 request.
    /// - Parameter rest: of the target, where it has two parts.
    /// - Throws: when the target is empty or has anything but visible ASCII.
    package init(
        request method: RequestMethod, target: String, _ rest: String = "", capacity: Int = 512,
        allocator: ByteBufferAllocator = ByteBufferAllocator()
    ) throws(UnwritableField) {
        bytes = allocator.buffer(capacity: capacity)
        bytes.writeString(method.rawValue)
        bytes.writeStaticString(" ")
        let start = bytes.writerIndex
        bytes.writeString(target)
        bytes.writeString(rest)
        guard bytes.writerIndex > start,
            bytes.withUnsafeReadableBytes({ ByteClass.areVisible($0.part(start..<$0.count)) })
        else { throw UnwritableField() }
        bytes.writeStaticString(" HTTP/1.1\r\n")
    }

    /// For field lines alone.
    fileprivate init() { bytes = ByteBuffer() }

    /// A field of our own words.
    package mutating func field(_ name: StaticString, _ value: StaticString) {
        write(name.bytes, value.bytes)
    }

    /// A field with a whole number, not below 0.
    package mutating func field(_ name: StaticString, number: Int) {
        bytes.writeStaticString(name)
        bytes.writeStaticString(": ")
        bytes.writeDecimal(number)
        bytes.writeStaticString("\r\n")
    }

    /// - Throws: and writes nothing, when the value can't stand in a field.
    package mutating func field(_ name: StaticString, bytes value: UnsafeRawBufferPointer) throws(UnwritableField) {
        try check(value)
        write(name.bytes, value)
    }

    /// A field whose value begins with a word of ours.
    /// - Throws: and writes nothing, when the rest can't stand there.
    package mutating func field(
        _ name: StaticString, after word: StaticString, bytes rest: UnsafeRawBufferPointer
    ) throws(UnwritableField) {
        try check(rest)
        bytes.writeStaticString(name)
        bytes.writeStaticString(": ")
        bytes.writeStaticString(word)
        bytes.writeBytes(rest)
        bytes.writeStaticString("\r\n")
    }

    /// - Throws: and writes nothing, when the value can't stand in a field.
    package mutating func field(_ name: StaticString, bytes value: ByteBufferView) throws(UnwritableField) {
        guard value.withUnsafeBytes(HeadWriter.isValue) else { throw UnwritableField() }
        value.withUnsafeBytes { write(name.bytes, $0) }
    }

    /// - Throws: and writes nothing, when the value can't stand in a field.
    package mutating func field(_ name: StaticString, text value: String) throws(UnwritableField) {
        var value = value
        guard value.withUTF8({ HeadWriter.isValue(UnsafeRawBufferPointer($0)) }) else { throw UnwritableField() }
        value.withUTF8 { write(name.bytes, UnsafeRawBufferPointer($0)) }
    }

    /// A field whose name comes from elsewhere too.
    /// - Throws: and writes nothing, when the name is no token or the value can't stand in a field.
    package mutating func field(
        named name: UnsafeRawBufferPointer, bytes value: UnsafeRawBufferPointer
    ) throws(UnwritableField) {
        guard !name.isEmpty, name.allSatisfy(ByteClass.isToken) else { throw UnwritableField() }
        try check(value)
        write(name, value)
    }

    /// Fields that were written before.
    package mutating func fields(_ block: FieldBlock) { bytes.writeImmutableBuffer(block.bytes) }

    /// The head with its last empty line.
    package consuming func finish() -> ByteBuffer {
        bytes.writeStaticString("\r\n")
        return bytes
    }

    fileprivate var lines: ByteBuffer { bytes }

    private func check(_ value: UnsafeRawBufferPointer) throws(UnwritableField) {
        guard HeadWriter.isValue(value) else { throw UnwritableField() }
    }

    /// RFC 9110 §5.5: no control byte but a tab, and no blank at either end, which no reader would find.
    private static func isValue(_ value: UnsafeRawBufferPointer) -> Bool {
        if let first = value.first, let last = value.last, ByteClass.isBlank(first) || ByteClass.isBlank(last) {
            return false
        }
        return ByteClass.areValue(value)
    }

    private mutating func write(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let count = name.count + value.count + 4
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { target in
            target.copyMemory(from: name)
            target[name.count] = 0x3A
            target[name.count + 1] = 0x20
            UnsafeMutableRawBufferPointer(rebasing: target[(name.count + 2)...]).copyMemory(from: value)
            target[count - 2] = 0x0D
            target[count - 1] = 0x0A
            return count
        }
    }
}

/// Field lines that are the same in many heads, written once.
package struct FieldBlock: Sendable {
    fileprivate let bytes: ByteBuffer

    /// - Parameter write: gets a writer for the fields; what it throws is thrown on.
    package init(_ write: (inout HeadWriter) throws(UnwritableField) -> Void) throws(UnwritableField) {
        var writer = HeadWriter()
        try write(&writer)
        bytes = writer.lines
    }
}

/// A name, a value or a target that can't stand in a head.
package struct UnwritableField: Error, Equatable {
    package init() {}
}

extension StaticString {
    fileprivate var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}

extension ByteBuffer {
    /// Digits, without the text that `String(_:)` would make.
    fileprivate mutating func writeDecimal(_ number: Int) {
        precondition(number >= 0, "a length is not below 0")
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { digits in
            var place = digits.count
            var rest = number
            repeat {
                place -= 1
                digits[place] = 0x30 + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            writeBytes(UnsafeRawBufferPointer(rebasing: digits[place...]))
        }
    }
}
