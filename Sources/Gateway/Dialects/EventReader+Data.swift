import JSON
import NIOCore

extension EventReader.Event {
    /// Calls `body` with the event's data: its lines joined by a line feed.
    func withData<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        bytes.withUnsafeReadableBytes { bytes in
            if data.count == 1 { return body(UnsafeRawBufferPointer(rebasing: bytes[data[0]])) }
            return Array(data.map { bytes[$0] }.joined(separator: [0x0A])).withUnsafeBytes(body)
        }
    }

    /// Where a place in the data, which lies in one line of it, is in the event's bytes.
    func place(ofData place: Range<Int>) -> Range<Int> {
        var start = 0
        for line in data {
            if place.lowerBound < start + line.count {
                let begin = line.lowerBound + place.lowerBound - start
                return begin..<begin + place.count
            }
            start += line.count + 1
        }
        return 0..<0
    }
}

extension ByteBuffer {
    /// The same bytes with the value at a place, an offset from the first, replaced by the public name of a model.
    func replacing(_ place: Range<Int>, with renaming: ModelRenaming) -> ByteBuffer {
        let name = JSON.string(renaming.publicName).encoded()
        var replaced = ByteBuffer()
        replaced.reserveCapacity(readableBytes - place.count + name.count)
        let bytes = readableBytesView
        replaced.writeBytes(bytes[bytes.startIndex..<bytes.startIndex + place.lowerBound])
        replaced.writeBytes(name)
        replaced.writeBytes(bytes[(bytes.startIndex + place.upperBound)...])
        return replaced
    }
}
