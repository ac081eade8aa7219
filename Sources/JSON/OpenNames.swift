/// The names in the objects that a scan is inside of, as places in the text, to find one that comes twice.
///
/// A name is four bytes here, and they are sorted by what they say when their object ends: no hash that somebody could
/// aim at, n log n comparisons, and less memory than the text. An object that grows large is looked through each time
/// that it has doubled, so that a text of one name over and over is refused early.
struct OpenNames {
    /// Places are kept in 32 bits.
    static let longestText = Int(UInt32.max)
    /// The number of names from which on an object is looked through before its end.
    private static let many = 1024

    private struct OpenObject {
        /// The index of its first name.
        let first: Int
        /// The number of names at which it is looked through.
        var bound = OpenNames.many
    }

    private let bytes: UnsafeRawBufferPointer
    private var places: [UInt32] = []
    private var objects: [OpenObject] = []

    init(of bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func open() { objects.append(OpenObject(first: places.count)) }

    /// Notes the name that begins (after its quotation mark) at `place`, in the innermost object.
    /// - Returns: where a repeated name ends, if one has been found.
    mutating func add(at place: Int) -> Int? {
        if places.count == places.capacity, places.count >= Self.many {
            // Once for all: growing by copies would hold the same places twice. No member takes less than five bytes of
            // the text, and memory that isn't written to costs nothing.
            places.reserveCapacity(bytes.count / 5 + 1)
        }
        places.append(UInt32(place))
        let object = objects[objects.count - 1]
        guard places.count - object.first == object.bound else { return nil }
        objects[objects.count - 1].bound *= 2
        return sortAndCompare(from: object.first)
    }

    /// The innermost object has ended.
    /// - Returns: where its first repeated name ends, if it has one.
    mutating func close() -> Int? {
        let first = objects.removeLast().first
        defer { places.removeLast(places.count - first) }
        return sortAndCompare(from: first)
    }

    /// Where the first repeated name of all objects that are still open ends.
    mutating func firstRepetition() -> Int? {
        var found: Int?
        while !objects.isEmpty {
            if let end = close() { found = min(found ?? end, end) }
        }
        return found
    }

    private mutating func sortAndCompare(from first: Int) -> Int? {
        if places.count - first < 2 { return nil }
        let repeated = places.withUnsafeMutableBufferPointer { [bytes] all in
            var names = UnsafeMutableBufferPointer(rebasing: all[first...])
            return Self.firstRepeated(&names, of: bytes)
        }
        return repeated.map { place in
            var rest = JSONStringBytes(bytes, from: Int(place))
            while rest.next() != nil {}
            return rest.at + 1
        }
    }

    /// Sorts names, equal ones by their place, and finds the first that repeats another.
    private static func firstRepeated(
        _ names: inout UnsafeMutableBufferPointer<UInt32>, of bytes: UnsafeRawBufferPointer
    ) -> UInt32? {
        names.sort { left, right in
            let order = order(left, right, of: bytes)
            return order < 0 || order == 0 && left < right
        }
        var found: UInt32?
        for index in 1..<names.count where names[index] < found ?? .max {
            if order(names[index - 1], names[index], of: bytes) == 0 { found = names[index] }
        }
        return found
    }

    /// Compares two names by the bytes that they stand for: negative, zero or positive.
    private static func order(_ left: UInt32, _ right: UInt32, of bytes: UnsafeRawBufferPointer) -> Int {
        var (left, right) = (Int(left), Int(right))
        while let one = EightBytes(bytes, at: left), let other = EightBytes(bytes, at: right), one.word == other.word,
            !one.hasMark
        {
            left += 8
            right += 8
        }
        var one = JSONStringBytes(bytes, from: left)
        var other = JSONStringBytes(bytes, from: right)
        while true {
            // The end of a name comes before every byte.
            let (byte, otherByte) = (one.next().map(Int.init) ?? -1, other.next().map(Int.init) ?? -1)
            if byte != otherByte { return byte - otherByte }
            if byte < 0 { return 0 }
        }
    }
}
