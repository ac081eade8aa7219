import NIOCore

/// A part of a head, as the distance of its ends from the first byte. Half as long as a `Range`: heads are copied often.
struct Place: Sendable {
    private let start: UInt32
    private let end: UInt32

    init(_ range: Range<Int>) {
        start = UInt32(range.lowerBound)
        end = UInt32(range.upperBound)
    }

    var range: Range<Int> { Int(start)..<Int(end) }
    var count: Int { Int(end - start) }
}

extension UnsafeRawBufferPointer {
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }

    func part(_ place: Place) -> UnsafeRawBufferPointer { part(place.range) }

    /// Whether this is `other`, of the same length, but for the case of ASCII letters.
    package func isLowercased(_ other: StaticString) -> Bool {
        let lower = other.utf8Start
        for place in 0..<count where self[place].asciiLowercased != lower[place] { return false }
        return true
    }

    /// The elements of a list (RFC 9110 §5.6.1), without the blanks around them; empty ones are none.
    func forEachElement(_ body: (UnsafeRawBufferPointer) -> Void) {
        var start = 0
        while start <= count {
            var end = start
            while end < count, self[end] != 0x2C { end += 1 }
            var (first, last) = (start, end)
            while first < last, ByteClass.isBlank(self[first]) { first += 1 }
            while last > first, ByteClass.isBlank(self[last - 1]) { last -= 1 }
            if first < last { body(part(first..<last)) }
            start = end + 1
        }
    }
}

extension UInt8 {
    var asciiLowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}

extension ByteBuffer {
    /// A part by its place from the first readable byte; the place is known to be inside.
    func view(_ place: Place) -> ByteBufferView {
        readableBytesView[readerIndex + place.range.lowerBound..<readerIndex + place.range.upperBound]
    }

    /// `withUnsafeReadableBytes` for a body that throws an error of ours.
    func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        let result = withUnsafeReadableBytes { bytes in
            Swift.Result { () throws(FramingError) in try body(bytes) }
        }
        return try result.get()
    }
}
