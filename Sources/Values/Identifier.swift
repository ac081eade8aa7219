/// The name of an object: a UUID, made as version 7 (RFC 9562 §5.7) so that newer ones sort later.
///
/// An identifier is not a secret and opens nothing. It is two words wide, so that comparing and hashing one on the path
/// of a call costs next to nothing.
package struct Identifier: Sendable, Hashable, Comparable, LosslessStringConvertible {
    let high: UInt64
    let low: UInt64

    /// A new identifier: 48 bits of milliseconds, then 74 bits of randomness.
    package init(at time: Timestamp, random: (UInt64, UInt64)) {
        let milliseconds = UInt64(clamping: time.milliseconds)
        high = milliseconds << 16 | 0x7000 | (random.0 & 0x0FFF)
        low = 0x8000_0000_0000_0000 | (random.1 >> 2)
    }

    /// The same, but greater than `last` also within its millisecond and when the clock was set back (RFC 9562 §6.2).
    package init(at time: Timestamp, random: (UInt64, UInt64), after last: Identifier?) {
        self.init(at: time, random: random)
        guard let last, self <= last else { return }
        // On from the last one by up to 2³², of the 2⁶² that there is room for.
        let (sum, isOver) = (last.low & Self.randomBits).addingReportingOverflow(1 + random.1 >> 32)
        guard !isOver, sum <= Self.randomBits else {
            let next = Timestamp(microseconds: Int64(last.high >> 16) * 1000 + 1000)
            self.init(at: next, random: random)
            return
        }
        self.init(high: last.high, low: 0x8000_0000_0000_0000 | sum)
    }

    /// The milliseconds that it was made of: not before its time, but later when the clock was set back.
    package var milliseconds: Int64 { Int64(high >> 16) }

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    private static let randomBits: UInt64 = 0x3FFF_FFFF_FFFF_FFFF

    /// Reads the canonical text of a UUID of any version: 8-4-4-4-12 hexadecimal digits, lower case only, so that one
    /// object has one spelling. `nil` for everything else.
    package init?(_ text: String) {
        var words: (UInt64, UInt64) = (0, 0)
        var count = 0
        for byte in text.utf8 {
            defer { count += 1 }
            if count == 8 || count == 13 || count == 18 || count == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            if count < 18 { words.0 = words.0 << 4 | UInt64(digit) } else { words.1 = words.1 << 4 | UInt64(digit) }
        }
        guard count == 36 else { return nil }
        (high, low) = words
    }

    package var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var at = 0
            for index in 0..<32 {
                if index == 8 || index == 12 || index == 16 || index == 20 {
                    buffer[at] = UInt8(ascii: "-")
                    at += 1
                }
                let word = index < 16 ? high : low
                buffer[at] = digits[Int(word >> (60 - UInt64(index % 16) * 4) & 0xF)]
                at += 1
            }
            return at
        }
    }

    package static func < (left: Identifier, right: Identifier) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
