import Glibc
import NIOCore

/// Cuts an event stream into its events (WHATWG HTML §9.2.5, §9.2.6), wherever the network has cut it.
///
/// An event is given with all its bytes, so that what needs no change passes as it came. The one that has not ended is
/// kept, up to a bound; a larger one is given in parts.
struct EventReader {
    struct Event {
        enum Extent { case whole, firstPart, laterPart }

        /// As they came, with the blank line that ends it.
        var bytes: ByteBuffer
        /// Where the values of its `data` fields are, as offsets into `bytes`.
        var data: [Range<Int>] = []
        /// Whether its name is `error`.
        var isError = false
        var extent = Extent.whole
    }

    /// The most bytes that are kept of one event.
    static let bound = 1 << 20

    private var buffer = ByteBuffer()
    /// How many of its readable bytes have been looked through.
    private var seen = 0
    private var lineStart = 0
    private var event = Event(bytes: ByteBuffer())
    private var isAfterCR = false
    private var isInLargeEvent = false
    /// Whether the line that is being read began in a part that has been given.
    private var isInLine = false
    private var isAtStart = true

    /// Adds what came. All events that have ended are to be taken by ``next()`` before more is added.
    mutating func take(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next event that has ended; `nil` when more has to come.
    mutating func next() -> Event? {
        while seen < buffer.readableBytes {
            if isAfterCR {
                isAfterCR = false
                if byte(at: seen) == UInt8(ascii: "\n") {
                    seen += 1
                    // The second half of a line's end, of which the first ended an event: it belongs to that one.
                    if lineStart == 0, seen == 1 {
                        return Event(bytes: cut(), extent: .laterPart)
                    }
                    lineStart = seen
                    continue
                }
            }
            guard let end = lineEnd() else {
                seen = buffer.readableBytes
                break
            }
            let line = lineStart..<end
            isAfterCR = byte(at: end) == UInt8(ascii: "\r")
            seen = end + 1
            lineStart = seen
            guard line.isEmpty, !isInLine else {
                isInLine = false
                read(line)
                continue
            }
            if isAfterCR, seen < buffer.readableBytes, byte(at: seen) == UInt8(ascii: "\n") {
                isAfterCR = false
                seen += 1
            }
            defer { event = Event(bytes: ByteBuffer()) }
            event.extent = isInLargeEvent ? .laterPart : .whole
            isInLargeEvent = false
            event.bytes = cut()
            return event
        }
        return buffer.readableBytes > (isInLargeEvent ? 0 : Self.bound) ? part() : nil
    }

    /// Whether something came after the last event that ended.
    var hasRest: Bool { buffer.readableBytes > 0 || isInLargeEvent }

    // MARK: Lines

    private func byte(at offset: Int) -> UInt8 {
        // In range by the callers' checks.
        buffer.getInteger(at: buffer.readerIndex + offset) ?? 0
    }

    /// The place of the first CR or LF that has not been seen.
    private func lineEnd() -> Int? {
        buffer.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            let rest = bytes.count - seen
            let feed = memchr(base + seen, 0x0A, rest).map { $0 - UnsafeMutableRawPointer(mutating: base) }
            let length = (feed ?? bytes.count) - seen
            let carriage = memchr(base + seen, 0x0D, length).map { $0 - UnsafeMutableRawPointer(mutating: base) }
            return carriage ?? feed
        }
    }

    /// Notes what a line says; only `data` and `event` matter here.
    private mutating func read(_ line: Range<Int>) {
        buffer.withUnsafeReadableBytes { bytes in
            var line = line
            // One byte order mark may stand before the first line.
            if isAtStart, bytes[line].starts(with: [0xEF, 0xBB, 0xBF]) { line = line.lowerBound + 3..<line.upperBound }
            isAtStart = false
            if isInLargeEvent { return }
            if let value = Self.value(of: "data", in: line, bytes) { event.data.append(value) }
            if let value = Self.value(of: "event", in: line, bytes) {
                event.isError = bytes[value].elementsEqual("error".utf8)
            }
        }
    }

    /// Where the value of a field is, without the blank before it; `nil` for a line of another field.
    private static func value(
        of field: StaticString, in line: Range<Int>, _ bytes: UnsafeRawBufferPointer
    ) -> Range<Int>? {
        let length = field.utf8CodeUnitCount
        guard line.count >= length, let base = bytes.baseAddress,
            memcmp(base + line.lowerBound, field.utf8Start, length) == 0
        else { return nil }
        var start = line.lowerBound + length
        if start == line.upperBound { return start..<start }
        guard bytes[start] == UInt8(ascii: ":") else { return nil }
        start += 1
        if start < line.upperBound, bytes[start] == 0x20 { start += 1 }
        return start..<line.upperBound
    }

    // MARK: Bytes

    private mutating func cut() -> ByteBuffer {
        let slice = buffer.readSlice(length: seen) ?? ByteBuffer()
        seen = 0
        lineStart = 0
        return slice
    }

    /// What is here of an event that is larger than the bound.
    private mutating func part() -> Event {
        var part = Event(bytes: ByteBuffer(), extent: isInLargeEvent ? .laterPart : .firstPart)
        // The line that has not ended counts as far as it goes.
        let line = lineStart..<seen
        if !line.isEmpty { read(line) }
        (part.data, part.isError) = (event.data, event.isError)
        event = Event(bytes: ByteBuffer())
        isInLine = isInLine && lineStart == 0 || !line.isEmpty
        isInLargeEvent = true
        part.bytes = cut()
        return part
    }
}
