/// A QR code (ISO/IEC 18004) of one text as bytes, with error correction of level M, in the versions 1 to 20.
struct QRCode: Sendable {
    /// Modules in a row: 21…97.
    let size: Int
    private let dark: [Bool]

    /// `nil` for a text of more bytes than version 20 holds, which are 666.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let version = QRVersion.smallest(for: bytes.count) else { return nil }
        let words = QRCodewords.of(bytes, in: version)
        let drawn = (0..<8).map { QRMatrix(version, words, mask: $0) }
        guard let best = drawn.min(by: { $0.penalty < $1.penalty }) else { return nil }
        size = best.size
        dark = best.dark
    }

    /// Whether a module is dark; outside of the code none is.
    func isDark(_ x: Int, _ y: Int) -> Bool {
        (0..<size).contains(x) && (0..<size).contains(y) && dark[y * size + x]
    }

    /// The dark modules as the data of an SVG path, one run after the other, in modules; with the quiet zone of four
    /// around it the picture is `size + 8` wide.
    var path: String {
        var path = ""
        for y in 0..<size {
            var x = 0
            while x < size {
                var end = x
                while isDark(end, y) { end += 1 }
                if end > x { path += "M\(x + 4) \(y + 4)h\(end - x)v1H\(x + 4)z" }
                x = max(end, x) + 1
            }
        }
        return path
    }
}

/// How large a code is, and how its words are divided (ISO/IEC 18004, tables 7 and 9, level M).
struct QRVersion: Sendable {
    let number: Int
    var size: Int { 17 + 4 * number }
    /// Of each block.
    var correctionWords: Int { Self.correction[number - 1] }
    var blocks: Int { Self.blockCounts[number - 1] }

    private static let correction = [
        10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
    ]
    private static let blockCounts = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16]

    /// Words of data and correction together.
    var allWords: Int {
        var modules = (16 * number + 128) * number + 64
        if number >= 2 {
            let marks = number / 7 + 2
            modules -= (25 * marks - 10) * marks - 55
            if number >= 7 { modules -= 36 }
        }
        return modules / 8
    }

    var dataWords: Int { allWords - correctionWords * blocks }
    /// Bits that say how many bytes there are.
    var lengthBits: Int { number < 10 ? 8 : 16 }

    /// The middles of the alignment patterns, on both axes.
    var marks: [Int] {
        if number == 1 { return [] }
        let count = number / 7 + 2
        let step = (number * 4 + count * 2 + 1) / (count * 2 - 2) * 2
        return [6] + (0..<count - 1).reversed().map { size - 7 - $0 * step }
    }

    static func smallest(for bytes: Int) -> QRVersion? {
        (1...20).lazy.map { QRVersion(number: $0) }.first { 4 + $0.lengthBits + 8 * bytes <= 8 * $0.dataWords }
    }
}
