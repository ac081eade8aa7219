/// The modules of a code under one of the eight masks.
struct QRMatrix {
    let size: Int
    private(set) var dark: [Bool]
    /// Modules of patterns, which hold no data and are not masked.
    private var isFixed: [Bool]

    init(_ version: QRVersion, _ words: [UInt8], mask: Int) {
        size = version.size
        dark = [Bool](repeating: false, count: size * size)
        isFixed = dark
        drawPatterns(version)
        drawFormat(mask)
        drawVersion(version.number)
        draw(words, mask: mask)
    }

    private mutating func fix(_ x: Int, _ y: Int, _ isDark: Bool) {
        guard (0..<size).contains(x), (0..<size).contains(y) else { return }
        dark[y * size + x] = isDark
        isFixed[y * size + x] = true
    }

    // MARK: Patterns

    private mutating func drawPatterns(_ version: QRVersion) {
        for place in 0..<size {
            fix(6, place, place % 2 == 0)
            fix(place, 6, place % 2 == 0)
        }
        // The three eyes, each with a light border.
        for (x, y) in [(3, 3), (size - 4, 3), (3, size - 4)] {
            for dy in -4...4 {
                for dx in -4...4 {
                    let distance = max(abs(dx), abs(dy))
                    fix(x + dx, y + dy, distance != 2 && distance != 4)
                }
            }
        }
        let marks = version.marks
        for x in marks {
            for y in marks {
                let isEye = (x == 6 && y == 6) || (x == 6 && y == marks.last) || (x == marks.last && y == 6)
                if isEye { continue }
                for dy in -2...2 {
                    for dx in -2...2 { fix(x + dx, y + dy, max(abs(dx), abs(dy)) != 1) }
                }
            }
        }
    }

    /// The level and the mask, with a BCH code of ten bits, twice.
    private mutating func drawFormat(_ mask: Int) {
        // Level M is 00.
        var rest = mask
        for _ in 0..<10 { rest = rest << 1 ^ (rest >> 9) * 0x537 }
        let bits = (mask << 10 | rest) ^ 0x5412
        func bit(_ place: Int) -> Bool { bits >> place & 1 == 1 }
        for place in 0...5 { fix(8, place, bit(place)) }
        fix(8, 7, bit(6))
        fix(8, 8, bit(7))
        fix(7, 8, bit(8))
        for place in 9..<15 { fix(14 - place, 8, bit(place)) }
        for place in 0..<8 { fix(size - 1 - place, 8, bit(place)) }
        for place in 8..<15 { fix(8, size - 15 + place, bit(place)) }
        fix(8, size - 8, true)
    }

    /// From version 7 on its number, with a BCH code of twelve bits, twice.
    private mutating func drawVersion(_ number: Int) {
        guard number >= 7 else { return }
        var rest = number
        for _ in 0..<12 { rest = rest << 1 ^ (rest >> 11) * 0x1F25 }
        let bits = number << 12 | rest
        for place in 0..<18 {
            let (a, b) = (size - 11 + place % 3, place / 3)
            fix(a, b, bits >> place & 1 == 1)
            fix(b, a, bits >> place & 1 == 1)
        }
    }

    // MARK: Data

    /// Two columns at a time, from the right, up and down in turn.
    private mutating func draw(_ words: [UInt8], mask: Int) {
        var place = 0
        var right = size - 1
        while right >= 1 {
            if right == 6 { right = 5 }
            for step in 0..<size {
                for x in [right, right - 1] {
                    let y = (right + 1) & 2 == 0 ? size - 1 - step : step
                    guard !isFixed[y * size + x] else { continue }
                    let isSet = place < words.count * 8 && words[place / 8] >> UInt8(7 - place % 8) & 1 == 1
                    dark[y * size + x] = isSet != Self.isMasked(x, y, mask)
                    place += 1
                }
            }
            right -= 2
        }
    }

    private static func isMasked(_ x: Int, _ y: Int, _ mask: Int) -> Bool {
        switch mask {
        case 0: (x + y) % 2 == 0
        case 1: y % 2 == 0
        case 2: x % 3 == 0
        case 3: (x + y) % 3 == 0
        case 4: (x / 3 + y / 2) % 2 == 0
        case 5: x * y % 2 + x * y % 3 == 0
        case 6: (x * y % 2 + x * y % 3) % 2 == 0
        default: ((x + y) % 2 + x * y % 3) % 2 == 0
        }
    }

    // MARK: How well a mask does

    /// What makes a code hard to read: long runs, blocks, what looks like an eye, and too much of one colour.
    var penalty: Int {
        var penalty = 0
        for line in 0..<size {
            penalty += Self.penalty(of: (0..<size).map { dark[line * size + $0] })
            penalty += Self.penalty(of: (0..<size).map { dark[$0 * size + line] })
        }
        for y in 0..<size - 1 {
            for x in 0..<size - 1 {
                let first = dark[y * size + x]
                if dark[y * size + x + 1] == first, dark[(y + 1) * size + x] == first,
                    dark[(y + 1) * size + x + 1] == first
                {
                    penalty += 3
                }
            }
        }
        let share = dark.count(where: \.self) * 100 / dark.count
        return penalty + abs(share - 50) / 5 * 10
    }

    private static let eye = [true, false, true, true, true, false, true]

    private static func penalty(of line: [Bool]) -> Int {
        var penalty = 0
        var run = 1
        for place in 1..<line.count {
            run = line[place] == line[place - 1] ? run + 1 : 1
            if run == 5 { penalty += 3 } else if run > 5 { penalty += 1 }
        }
        for start in 0...(line.count - 11) {
            let part = line[start..<start + 11]
            let isLightBefore = part.prefix(4).allSatisfy { !$0 } && part.suffix(7).elementsEqual(eye)
            let isLightAfter = part.suffix(4).allSatisfy { !$0 } && part.prefix(7).elementsEqual(eye)
            if isLightBefore || isLightAfter { penalty += 40 }
        }
        return penalty
    }
}
