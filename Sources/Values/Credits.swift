/// An amount of the unit of account: whole micro-credits, millionths of a credit. Never a float.
///
/// All arithmetic is checked: what does not fit in 64 bits is `nil`, never a wrapped sum, and never a trap.
package struct Credits: Sendable, Hashable, Comparable {
    package let micro: Int64

    package init(micro: Int64) { self.micro = micro }

    package static let zero = Credits(micro: 0)
    package static let most = Credits(micro: .max)
    /// What a call costs where nobody has said otherwise: 20 credits (seed 000).
    package static let standardPrice = Credits(micro: 20_000_000)

    package static func < (left: Credits, right: Credits) -> Bool { left.micro < right.micro }

    package func adding(_ other: Credits) -> Credits? {
        let (sum, overflow) = micro.addingReportingOverflow(other.micro)
        return overflow ? nil : Credits(micro: sum)
    }

    package func subtracting(_ other: Credits) -> Credits? {
        let (difference, overflow) = micro.subtractingReportingOverflow(other.micro)
        return overflow ? nil : Credits(micro: difference)
    }

    package func times(_ count: Int64) -> Credits? {
        let (product, overflow) = micro.multipliedReportingOverflow(by: count)
        return overflow ? nil : Credits(micro: product)
    }
}

extension Credits {
    /// Reads a decimal number exactly: `20`, `0.000001`, `-3.5`, `1e3`. `nil` for what has a smaller part than a
    /// micro-credit, does not fit, or is no number as JSON writes them (RFC 8259 §6).
    package init?(decimal text: String) {
        guard let micro = Millionths.parse(text) else { return nil }
        self.init(micro: micro)
    }

    /// The shortest decimal number that is this amount: `20`, `0.5`, `-3.000001`.
    package var decimal: String { Millionths.text(micro) }
}

extension Credits {
    /// The rule of a field that takes an amount in a range of micro-credits, as the end of a public sentence.
    package static func rule(_ range: ClosedRange<Int64>) -> String {
        let (least, most) = (Credits(micro: range.lowerBound), Credits(micro: range.upperBound))
        return "must be a number of credits from \(least.decimal) to \(most.decimal) with at most 6 decimal places"
    }
}

/// By how much a pricing group makes a price more or less: a fixed-point number with six digits after the point.
package struct Multiplier: Sendable, Hashable {
    /// 0 to 1,000. Together with the bound on prices, no cost of a call can overflow.
    package static let range: ClosedRange<Int64> = 0...1_000_000_000
    package static let one = Multiplier(unchecked: 1_000_000)

    package let millionths: Int64

    /// `nil` outside of 0…1,000.
    package init?(millionths: Int64) {
        guard Self.range.contains(millionths) else { return nil }
        self.millionths = millionths
    }

    package init?(decimal text: String) {
        guard let millionths = Millionths.parse(text) else { return nil }
        self.init(millionths: millionths)
    }

    private init(unchecked millionths: Int64) { self.millionths = millionths }

    package var decimal: String { Millionths.text(millionths) }
}

/// What a call of a model costs before its group's multiplier.
package struct Price: Sendable, Hashable {
    /// 0 to 1,000,000,000 credits, in micro-credits.
    package static let range: ClosedRange<Int64> = 0...1_000_000_000_000_000
    package static let standard = Price(unchecked: .standardPrice)

    package let credits: Credits

    /// `nil` outside of 0…1,000,000,000 credits.
    package init?(_ credits: Credits) {
        guard Self.range.contains(credits.micro) else { return nil }
        self.credits = credits
    }

    private init(unchecked credits: Credits) { self.credits = credits }

    /// The cost of one call: price × multiplier, rounded up to a micro-credit.
    ///
    /// The product is made in 128 bits. Both ranges together bound it: 10¹⁵ × 10⁹ / 10⁶ = 10¹⁸, which fits in 63 bits.
    package func cost(_ multiplier: Multiplier) -> Credits {
        let product = credits.micro.multipliedFullWidth(by: multiplier.millionths)
        let (quotient, remainder) = Int64(1_000_000).dividingFullWidth(product)
        return Credits(micro: remainder > 0 ? quotient + 1 : quotient)
    }
}

/// Fixed-point numbers with six digits after the point, to and from their text.
private enum Millionths {
    /// Shifts the digits by the exponent instead of going through a float, so that every value that can be kept is kept
    /// exactly and no other is taken.
    static func parse(_ text: String) -> Int64? {
        var rest = text.utf8[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest = rest.dropFirst() }
        var digits: [UInt8] = []
        var point = 0
        var isPastPoint = false
        scan: while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits.append(byte - UInt8(ascii: "0"))
                if !isPastPoint { point += 1 }
            case UInt8(ascii: ".") where !isPastPoint && !digits.isEmpty: isPastPoint = true
            default: break scan
            }
            rest = rest.dropFirst()
        }
        guard !digits.isEmpty, !isPastPoint || digits.count > point, point == 1 || digits[0] != 0 else { return nil }
        let isZero = digits.allSatisfy { $0 == 0 }
        if let mark = rest.first {
            guard mark | 0x20 == UInt8(ascii: "e"), let shift = Int(String(rest.dropFirst()) ?? "") else { return nil }
            if isZero { return 0 }
            // Further than the digits reach, nothing that can be kept is left.
            guard shift.magnitude <= digits.count + 32 else { return nil }
            point += shift
        }
        // The value is 0.d₁d₂d₃… × 10^point; wanted are its first point + 6 digits, and nothing after them.
        let wanted = point + 6
        var value: Int64 = 0
        for index in 0..<max(digits.count, wanted) where index < digits.count || value != 0 {
            let digit = index < digits.count ? digits[index] : 0
            guard index < wanted else {
                if digit == 0 { continue }
                return nil
            }
            // Gathered below zero, where there is one value more.
            let (scaled, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, past) = scaled.subtractingReportingOverflow(Int64(digit))
            if tooLarge || past { return nil }
            value = sum
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    static func text(_ value: Int64) -> String {
        // At most a sign, 13 digits, a point and 6 digits. Written from the end; each answer of a call has two of these.
        let most = 21
        return String(unsafeUninitializedCapacity: most) { text in
            var at = most
            func put(_ byte: UInt8) {
                at -= 1
                text[at] = byte
            }
            var (whole, fraction) = value.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
            var places = 6
            while places > 0, fraction % 10 == 0 { (places, fraction) = (places - 1, fraction / 10) }
            for place in 0..<places {
                put(UInt8(ascii: "0") + UInt8(fraction % 10))
                fraction /= 10
                if place == places - 1 { put(UInt8(ascii: ".")) }
            }
            repeat {
                put(UInt8(ascii: "0") + UInt8(whole % 10))
                whole /= 10
            } while whole > 0
            if value < 0 { put(UInt8(ascii: "-")) }
            // What is written stands at the end, and belongs at the beginning.
            for place in at..<most { text[place - at] = text[place] }
            return most - at
        }
    }
}
