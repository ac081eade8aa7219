import TestSupport

/// Makes a valid text with blanks, escapes, deep places and sometimes many members.
struct RandomJSON {
    private var random: SplitMix64
    private var bytes: [UInt8] = []

    static func text(_ random: inout SplitMix64) -> [UInt8] {
        var text = RandomJSON(random: random)
        text.value(depth: 0)
        random = text.random
        return text.bytes
    }

    private mutating func value(depth: Int) {
        blanks()
        switch random.below(depth > 4 ? 6 : 10) {
        case 0: bytes += random.pick(["null", "true", "false"]).utf8
        case 1, 2: bytes += random.pick(["0", "-0", "1.10", "12345678901234567890", "1e400", "-1.5E-3", "7"]).utf8
        case 3, 4, 5: string()
        case 6, 7: array(depth)
        default: object(depth)
        }
        blanks()
    }

    private mutating func array(_ depth: Int) {
        bytes.append(UInt8(ascii: "["))
        for index in 0..<random.below(5) {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            value(depth: depth + 1)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func object(_ depth: Int) {
        bytes.append(UInt8(ascii: "{"))
        let count = random.chance(3) ? 40 : random.below(6)
        // Names from a small set come twice now and then.
        let isFresh = random.chance(80)
        for index in 0..<count {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            blanks()
            if isFresh { bytes += "\"n\(index)\"".utf8 } else { name() }
            blanks()
            bytes.append(UInt8(ascii: ":"))
            if count > 10 { bytes.append(UInt8(ascii: "1")) } else { value(depth: depth + 1) }
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func name() {
        bytes +=
            random.pick([
                #""a""#, #""\u0061""#, #""b""#, #""""#, #""é""#, #""e\u0301""#, #""\u00e9""#, #""ab""#,
                #""a long name 1""#,
                #""a long name 2""#, #""\"""#, #""\u0022""#,
            ]).utf8
    }

    private mutating func string() {
        bytes.append(UInt8(ascii: "\""))
        for _ in 0..<random.below(random.chance(5) ? 60 : 6) {
            bytes +=
                random.pick([
                    "a", "plain words ", "é", "猫", "😀", "\\n", "\\u0041", "\\ud83d\\ude00", "\\\"", "\\\\", "\\/",
                    "\u{7F}",
                    "\u{301}", "\\u0000", "\\uD7FF", "\\uffff", "{", "]", ",",
                ]).utf8
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func blanks() {
        if random.chance(10) { bytes += random.pick([" ", "\n", "\r\n", "\t", "   "]).utf8 }
    }
}
