import Glibc

/// Goes through the lines of a head, or of a trailer section, as they come: each byte is searched once, however the bytes
/// are cut, and what is found does not depend on the cuts.
struct HeadScan: Sendable {
    enum Found {
        /// The place of the first line without its end. Found once.
        case startLine(Range<Int>)
        /// The empty line.
        case end
    }

    /// How long the first line may be, and what it is called if it is longer.
    struct StartLine: Sendable {
        let most: Int
        let tooLong: FramingError.Reason
    }

    private(set) var lines: [FieldLines.Line] = []
    private(set) var facts = HeadFacts()
    /// The bytes of the lines that are done; at the end, those of the whole head.
    private(set) var count = 0
    private var searched = 0
    private var startLine: StartLine?
    private let isTrailer: Bool

    /// - Parameter startLine: `nil` for a trailer section.
    init(_ startLine: StartLine?) {
        self.startLine = startLine
        isTrailer = startLine == nil
    }

    /// - Parameter bytes: from the first byte of the head, with at least those of the last time.
    /// - Returns: `nil` when more bytes are needed. After a start line, to be called again with the same bytes.
    mutating func advance(
        in bytes: UnsafeRawBufferPointer, _ bounds: HeadBounds
    ) throws(FramingError) -> Found? {
        guard let base = bytes.baseAddress else { return nil }
        while true {
            guard let found = memchr(base + searched, 0x0A, bytes.count - searched) else {
                searched = bytes.count
                try checkLength(bytes.count, bounds)
                return nil
            }
            let end = UnsafeRawPointer(found) - base
            try checkLength(end + 1, bounds)
            guard end > count, bytes[end - 1] == 0x0D else { throw FramingError(.lineEnd) }
            let line = count..<end - 1
            count = end + 1
            searched = count
            if startLine != nil {
                startLine = nil
                return .startLine(line)
            }
            if line.isEmpty { return .end }
            try takeField(line, in: bytes, bounds)
        }
    }

    private func checkLength(_ length: Int, _ bounds: HeadBounds) throws(FramingError) {
        if let startLine, length > startLine.most { throw FramingError(startLine.tooLong) }
        if length > bounds.headBytes { throw FramingError(.headTooLarge) }
    }

    /// RFC 9112 §5: a token, a colon right after it, and a value between optional blanks.
    private mutating func takeField(
        _ line: Range<Int>, in bytes: UnsafeRawBufferPointer, _ bounds: HeadBounds
    ) throws(FramingError) {
        guard lines.count < bounds.fields else { throw FramingError(.headTooLarge) }
        var colon = line.lowerBound
        while colon < line.upperBound, ByteClass.isToken(bytes[colon]) { colon += 1 }
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == 0x3A else {
            throw FramingError(.fieldLine)
        }
        var start = colon + 1
        var end = line.upperBound
        while start < end, ByteClass.isBlank(bytes[start]) { start += 1 }
        while end > start, ByteClass.isBlank(bytes[end - 1]) { end -= 1 }
        guard ByteClass.areValue(bytes.part(start..<end)) else { throw FramingError(.fieldLine) }
        let field = FieldLines.Line(name: Place(line.lowerBound..<colon), value: Place(start..<end))
        if lines.isEmpty { lines.reserveCapacity(16) }
        lines.append(field)
        try facts.note(field, in: bytes)
        if isTrailer, facts.hasAny { throw FramingError(.fieldLine) }
    }
}
