package import NIOCore

/// Writes the head of a request or of an answer as bytes.
///
///     var head = HeadWriter(answer: 200, allocator: allocator)
///     head.field("content-type", "application/json")
///     head.field("content-length", body.readableBytes)
///     out.write(head.finish())
///
/// No field can become two: a value with a carriage return, a line feed or another control byte is not written, and the
/// caller is told.
package struct HeadWriter: ~Copyable {
    private var bytes: ByteBuffer

    /// Begins with the status line of an HTTP/1.1 answer. (An answer to an HTTP/1.0 request says HTTP/1.1 as well, RFC 9110
    /// §6.2; only its fields take care of what 1.0 doesn't know.)
    /// - Parameter status: 100 to 599.
    package init(answer status: Int, allocator: ByteBufferAllocator = ByteBufferAllocator(), capacity: Int = 512) {
        bytes = allocator.buffer(capacity: capacity)
    }

    /// Begins with the request line of an HTTP/1.1 request.
    /// - Parameter target: of visible ASCII, and not empty.
    /// - Throws: when the target can't stand in a request line.
    package init(
        request method: RequestMethod, target: some Sequence<UInt8>,
        allocator: ByteBufferAllocator = ByteBufferAllocator(), capacity: Int = 512
    ) throws(UnwritableField) {
        bytes = allocator.buffer(capacity: capacity)
    }

    /// A field of our own words.
    package mutating func field(_ name: StaticString, _ value: StaticString) {}

    /// A field with a whole number.
    package mutating func field(_ name: StaticString, _ value: Int) {}

    /// A field whose value comes from elsewhere.
    /// - Throws: and writes nothing, when the value has a control byte other than a tab, or a blank at either end.
    package mutating func field(_ name: StaticString, _ value: some Sequence<UInt8>) throws(UnwritableField) {}

    /// A field whose name and value come from elsewhere.
    /// - Throws: and writes nothing, when the name is no token or the value can't be one.
    package mutating func field(
        named name: some Sequence<UInt8>, _ value: some Sequence<UInt8>
    ) throws(UnwritableField) {}

    /// Field lines that were written before, each with its CR LF, as they are: for fields that never change.
    package mutating func prepared(_ lines: ByteBuffer) {}

    /// The head with its last empty line.
    package consuming func finish() -> ByteBuffer { bytes }
}

/// A value or a name that can't stand in a head.
package struct UnwritableField: Error, Equatable {
    package init() {}
}
