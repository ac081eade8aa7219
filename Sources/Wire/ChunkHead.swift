/// The line before a chunk (RFC 9112 §7.1): its size, and extensions that are passed over.
struct ChunkHead {
    /// Of the chunk's data, in bytes. 0 in the last one.
    let size: Int
    /// Of the line with its end, in bytes.
    let count: Int
    let extensionCount: Int

    /// Eight digits: 4 GiB, which is more than any body may have.
    private static let digits = 8

    /// - Returns: `nil` when the line isn't whole yet.
    /// - Throws: at the first byte that is wrong, so that the cuts make no difference.
    init?(_ bytes: UnsafeRawBufferPointer, most: Int) throws(FramingError) {
        var place = 0
        var size = 0
        while place < bytes.count, let digit = ByteClass.hexadecimal(bytes[place]) {
            guard place < Self.digits else { throw FramingError(.chunk) }
            size = size << 4 | digit
            place += 1
        }
        guard place < bytes.count else { return nil }
        guard place > 0 else { throw FramingError(.chunk) }
        let digits = place
        while bytes[place] == 0x3B {
            guard let end = try Self.endOfExtension(bytes, place + 1, most) else { return nil }
            place = end
        }
        guard bytes[place] == 0x0D else { throw FramingError(.chunk) }
        guard place + 1 < bytes.count else { return nil }
        guard bytes[place + 1] == 0x0A else { throw FramingError(.chunk) }
        self.size = size
        count = place + 2
        extensionCount = place - digits
    }

    /// From behind the `;` to the byte after `name`, `name=token` or `name="text"`; `nil` when that byte isn't there yet.
    private static func endOfExtension(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ most: Int
    ) throws(FramingError) -> Int? {
        guard var place = try endOfToken(bytes, start, most) else { return nil }
        guard bytes[place] == 0x3D else { return place }
        place += 1
        guard place < bytes.count else { return nil }
        guard bytes[place] == 0x22 else { return try endOfToken(bytes, place, most) }
        place += 1
        while place < bytes.count, bytes[place] != 0x22 {
            // Nor the backslash: what is quoted by it would have to be read as others do.
            guard ByteClass.isValue(bytes[place]), bytes[place] != 0x5C else { throw FramingError(.chunk) }
            guard place < most else { throw FramingError(.trailerTooLarge) }
            place += 1
        }
        return place + 1 < bytes.count ? place + 1 : nil
    }

    private static func endOfToken(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ most: Int
    ) throws(FramingError) -> Int? {
        var place = start
        while place < bytes.count, ByteClass.isToken(bytes[place]) {
            guard place < most else { throw FramingError(.trailerTooLarge) }
            place += 1
        }
        guard place < bytes.count else { return nil }
        guard place > start else { throw FramingError(.chunk) }
        return place
    }
}
