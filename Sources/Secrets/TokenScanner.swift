/// Finds tokens in bytes that come in pieces, also across a border between two.
///
/// What counts is the checksum, not what stands around: a token with a letter right before or after it, or right after
/// another one, is found too.
///
/// A prefix ends in a character that no body has. So a body begins where a run of base62 characters begins, and as it
/// is 51 long, a look at every 51st byte misses none; the others are looked at for their line feeds alone. The work for
/// any bytes is in proportion to their number. A token is known with its last byte, so there is nothing to do at the
/// end; between two pieces fewer bytes are kept than a token has.
///
/// Printing it shows nothing, since those bytes may be most of a token.
package struct TokenScanner: Sendable, CustomStringConvertible, CustomReflectable {
    package struct Finding: Sendable, Equatable {
        /// As much of the token as may be shown.
        package let hint: String
        package let prefix: String
        /// From 1; a line ends with a line feed.
        package let line: Int
        /// Of the token's first byte in its line, in bytes, from 1.
        package let column: Int
    }

    private let shapes: [TokenShape]
    /// Of the longest token: one that has begun by the last byte seen, and is not yet found, began fewer bytes ago.
    private let longest: Int
    /// The last bytes that were seen.
    private var tail: [UInt8] = []
    private var line = 1
    /// Bytes of the last line that were seen.
    private var column = 0

    package init(_ shapes: [TokenShape]) {
        var known: Set<String> = []
        self.shapes = shapes.filter { known.insert($0.prefix).inserted }
        longest = shapes.map(\.length).max() ?? 1
    }

    package var description: String { "‹token scanner›" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    /// The tokens whose last byte is in this piece, in the order of their first.
    package mutating func scan(_ bytes: some Collection<UInt8>) -> [Finding] {
        let findings = bytes.withContiguousStorageIfAvailable { scan(UnsafeRawBufferPointer($0)) }
        return findings ?? Array(bytes).withUnsafeBytes { scan($0) }
    }

    /// The same of bytes that are not an array's.
    package mutating func scan(_ bytes: UnsafeRawBufferPointer) -> [Finding] {
        var findings = acrossBorder(bytes)
        var counted = 0
        for (start, shape, token) in tokens(in: bytes) {
            advance(over: bytes[counted..<start])
            counted = start
            findings.append(finding(shape, token, column: column + 1))
        }
        advance(over: bytes[counted...])
        tail = Array((bytes.count < longest ? tail + bytes : Array(bytes.suffix(longest - 1))).suffix(longest - 1))
        return findings
    }

    /// Those that have begun before this piece. They contain no line feed, so their line is the one the last piece
    /// ended in.
    private func acrossBorder(_ bytes: UnsafeRawBufferPointer) -> [Finding] {
        let joined = tail + bytes.prefix(longest - 1)
        return joined.withUnsafeBytes { joined in
            tokens(in: joined).filter { $0.start < tail.count && $0.start + $0.shape.length > tail.count }.map {
                finding($0.shape, $0.token, column: column + $0.start - tail.count + 1)
            }
        }
    }

    private func finding(_ shape: TokenShape, _ token: PresentedToken, column: Int) -> Finding {
        Finding(hint: shape.hint(forID: token.id), prefix: shape.prefix, line: line, column: column)
    }

    /// The tokens that are in these bytes as a whole.
    private func tokens(
        in bytes: UnsafeRawBufferPointer
    ) -> [(start: Int, shape: TokenShape, token: PresentedToken)] {
        var tokens: [(start: Int, shape: TokenShape, token: PresentedToken)] = []
        let length = PresentedToken.length
        for probe in stride(from: length - 1, to: bytes.count, by: length) where Base62.isDigit(bytes[probe]) {
            // The run's first byte, or one within it that can't begin a body of which `probe` is a part.
            var body = probe
            while body > probe - length + 1, Base62.isDigit(bytes[body - 1]) { body -= 1 }
            guard body > 0, body + length <= bytes.count, !Base62.isDigit(bytes[body - 1]) else { continue }
            var end = probe + 1
            while end < body + length, Base62.isDigit(bytes[end]) { end += 1 }
            guard end == body + length else { continue }
            for shape in shapes {
                let start = body - shape.prefixBytes.count
                guard start >= 0, bytes[start..<body].elementsEqual(shape.prefixBytes),
                    let token = shape.parse(Array(bytes[start..<end]))
                else { continue }
                tokens.append((start, shape, token))
            }
        }
        return tokens
    }

    /// Counts lines and columns.
    private mutating func advance(over bytes: Slice<UnsafeRawBufferPointer>) {
        var feeds = 0
        for byte in bytes { feeds &+= byte == 0x0A ? 1 : 0 }
        if feeds > 0, let last = bytes.lastIndex(of: 0x0A) {
            line += feeds
            column = bytes.endIndex - 1 - last
        } else {
            column += bytes.count
        }
    }
}
