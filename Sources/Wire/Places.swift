import NIOCore

extension UnsafeRawBufferPointer {
    func part(_ place: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[place]) }

    /// Whether this is `other`, of the same length, but for the case of ASCII letters.
    func isLowercased(_ other: StaticString) -> Bool {
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
    func view(_ place: Range<Int>) -> ByteBufferView {
        readableBytesView[readerIndex + place.lowerBound..<readerIndex + place.upperBound]
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
