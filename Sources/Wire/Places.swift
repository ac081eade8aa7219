import NIOCore

extension UnsafeRawBufferPointer {
    func part(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[start..<start + count])
    }

    /// Whether this is `other`, of the same length, but for the case of ASCII letters.
    func isLowercased(_ other: StaticString) -> Bool {
        let lower = other.utf8Start
        for place in 0..<count where self[place].asciiLowercased != lower[place] { return false }
        return true
    }
}

extension UInt8 {
    var asciiLowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}

extension ByteBuffer {
    /// A part by its place from the first readable byte; the place is known to be inside.
    func view(_ start: Int, _ count: Int) -> ByteBufferView {
        let start = readerIndex + start
        return readableBytesView[start..<start + count]
    }

    func view(_ place: Range<Int>) -> ByteBufferView { view(place.lowerBound, place.count) }
}
