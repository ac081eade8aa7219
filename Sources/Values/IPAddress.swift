/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address (::ffff:0:0/96, RFC 4291 §2.5.5.2) is the IPv4 address in it:
/// which of the two a socket reports depends on how the listener was opened, not on who calls.
///
/// It is one word of 128 bits, IPv4 in the mapped form, so that there is one value and one comparison for each address.
package struct IPAddress: Sendable, Hashable, LosslessStringConvertible {
    let bits: UInt128

    /// Reads dotted decimal or the text forms of RFC 4291 §2.2; `nil` for all else: no port, brackets, zone or blanks.
    ///
    /// Decimals have no leading zeros: some readers take those for octal, and one text must not be two addresses.
    package init?(_ text: String) { self.init(utf8: text.utf8Span.span) }

    /// The same for bytes that stand in a longer text, without a copy: an address is read for every call.
    package init?(utf8 text: Span<UInt8>) {
        guard let bits = Self.quad(text).map({ Self.mapped | UInt128($0) }) ?? Self.groups(text) else { return nil }
        self.init(bits: bits)
    }

    init(bits: UInt128) { self.bits = bits }

    package var isIPv4: Bool { bits >> 32 == Self.mapped >> 32 }

    /// What one customer has at the least: a /64 of IPv6 (RFC 6177 §2), one address of IPv4. Whoever counts callers
    /// counts these, or an IPv6 caller would be a new one with every packet.
    package var network: IPAddress { isIPv4 ? self : masked(64) }

    /// The most that one customer has as a rule: a /48 of IPv6 (RFC 6177 §2), one address of IPv4. For what is shared
    /// out among callers: who has a whole site takes no more of it than who has one address.
    package var site: IPAddress { isIPv4 ? self : masked(48) }

    /// The address with all but its first `count` bits cleared, counted in 128.
    func masked(_ count: Int) -> IPAddress { IPAddress(bits: bits & UInt128.max << (128 - count)) }

    /// Dotted decimal, or IPv6 as RFC 5952 §4 writes it: lower case, without leading zeros, the longest run of two or
    /// more zero groups as `::`, the leftmost of equals.
    package var description: String {
        if isIPv4 {
            return (0..<4).map { String(UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0))) }.joined(separator: ".")
        }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) }
        func text(_ part: Range<Int>) -> String {
            part.map { String(groups[$0], radix: 16) }.joined(separator: ":")
        }
        let gap = Self.gap(in: groups)
        return gap.isEmpty ? text(0..<8) : text(0..<gap.lowerBound) + "::" + text(gap.upperBound..<8)
    }

    private static let mapped: UInt128 = 0xFFFF_0000_0000

    /// The groups that `::` stands for; empty for none.
    private static func gap(in groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for index in 0..<8 {
            if groups[index] != 0 {
                start = index + 1
            } else if index + 1 - start > longest.count {
                longest = start..<index + 1
            }
        }
        return longest.count > 1 ? longest : 0..<0
    }
}

extension IPAddress {
    /// Four decimals with points between them.
    private static func quad(_ text: Span<UInt8>) -> UInt32? {
        // "0.0.0.0" to "255.255.255.255".
        guard (7...15).contains(text.count) else { return nil }
        var value: UInt32 = 0
        var points = 0
        var part: UInt32 = 0
        var digits = 0
        for index in text.indices {
            let byte = text[index]
            if byte == UInt8(ascii: "."), digits > 0 {
                value = value << 8 | part
                points += 1
                (part, digits) = (0, 0)
            } else if let digit = byte.decimalDigit, digits == 0 || part > 0 {
                part = part * 10 + UInt32(digit)
                digits += 1
                guard part <= 255 else { return nil }
            } else {
                return nil
            }
        }
        return points == 3 && digits > 0 ? value << 8 | part : nil
    }

    /// Eight groups of one to four hexadecimal digits with colons between them. `::` stands once for one or more groups
    /// of zeros, and the last two groups may be a dotted quad.
    private static func groups(_ text: Span<UInt8>) -> UInt128? {
        var bits: UInt128 = 0
        var count = 0
        /// How many groups come before `::`.
        var before: Int?
        var at = 0
        if text.count >= 2, text[0] == .colon, text[1] == .colon {
            before = 0
            at = 2
        }
        while at < text.count {
            let start = at
            var group: UInt128 = 0
            while at < text.count, let digit = text[at].hexadecimalDigit {
                guard at - start < 4 else { return nil }
                group = group << 4 | UInt128(digit)
                at += 1
            }
            guard at > start, count < 8 else { return nil }
            if at < text.count, text[at] == UInt8(ascii: ".") {
                guard let tail = quad(text.extracting(start...)) else { return nil }
                bits = bits << 32 | UInt128(tail)
                count += 2
                break
            }
            bits = bits << 16 | group
            count += 1
            guard at < text.count else { break }
            guard text[at] == .colon, at + 1 < text.count else { return nil }
            at += 1
            if text[at] == .colon {
                guard before == nil else { return nil }
                before = count
                at += 1
            }
        }
        guard let before else { return count == 8 ? bits : nil }
        guard count < 8 else { return nil }
        let after = 16 * (count - before)
        return (bits >> after) << (128 - 16 * before) | bits & ~(UInt128.max << after)
    }
}

extension UInt8 {
    fileprivate static let colon = UInt8(ascii: ":")

    fileprivate var decimalDigit: UInt8? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) ? self - UInt8(ascii: "0") : nil
    }

    fileprivate var hexadecimalDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
