/// Identifiers that are numbers in another dress: 42 bits of milliseconds, then 21 bits that tell those of one millisecond
/// apart. Where millions of rows have one, the row holds eight bytes, and the way there and back keeps the order.
///
/// As a UUID the number stands in the first bits of each field (RFC 9562 §5.7), and all bits behind it are zero.
extension Identifier {
    /// How many bits tell those of one millisecond apart.
    package static let serialBits = 21
    private static let lowSerialBits = 9
    private static let lowShift = 53

    /// - Parameter number: not below zero.
    package init(number: Int64) {
        precondition(number >= 0, "an identifier has no number below zero")
        let number = UInt64(number)
        let serial = number & (1 << Self.serialBits - 1)
        self.init(
            high: (number >> Self.serialBits) << 16 | 0x7000 | serial >> Self.lowSerialBits,
            low: 0x8000_0000_0000_0000 | (serial & (1 << Self.lowSerialBits - 1)) << Self.lowShift)
    }

    /// The number that this identifier was made of; `nil` when it was made otherwise.
    package var number: Int64? {
        let number = numberBound
        return number < .max && Identifier(number: number) == self ? number : nil
    }

    /// The least number whose identifier is not below this one, for finding those before it; the largest there is, when
    /// there is none.
    package var numberBound: Int64 {
        // 2⁴² milliseconds end in the year 2109.
        let milliseconds = high >> 16
        guard milliseconds < 1 << 42 else { return .max }
        let serial = (high & 0x0FFF) << Self.lowSerialBits | (low & 0x3FFF_FFFF_FFFF_FFFF) >> Self.lowShift
        let number = Int64(milliseconds << Self.serialBits | serial)
        return Identifier(number: number) < self && number < .max ? number + 1 : number
    }
}
