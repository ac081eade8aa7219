package import Values

/// A pricing group: a multiplier on every price, for the accounts and keys that are in it. Its name never changes, so
/// that it can be referred to.
package struct PricingGroup: Sendable {
    /// Every account's group until an admin sets another; comes with the schema and stays.
    package static let standard = "standard"

    package var name: String
    /// A retired group can't be chosen any more; whoever has it keeps it.
    package var isRetired: Bool
    /// All versions, the earliest first; the first one is as old as the group, so there is one for every time.
    package var multipliers: [MultiplierVersion]
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    /// The multiplier in effect at a time.
    package func multiplier(at time: Timestamp) -> MultiplierVersion? { multipliers.inEffect(at: time) }

    /// Those that have not begun at a time, the next one first.
    package func toCome(at time: Timestamp) -> [MultiplierVersion] {
        multipliers.filter { multipliers.isToCome($0, at: time) }
    }
}

/// One multiplier of a group, from a time on. It never changes: a charge names the version it was made with.
package struct MultiplierVersion: Sendable, Version {
    package var id: Identifier
    package var group: String
    package var multiplier: Multiplier
    package var effectiveAt: Timestamp
    package var createdAt: Timestamp
}

/// One price of a model, from a time on. It never changes: a charge names the version it was made with.
package struct PriceVersion: Sendable, Version {
    package var id: Identifier
    package var model: Identifier
    package var price: Price
    package var effectiveAt: Timestamp
    package var createdAt: Timestamp
}

/// What is in effect from a time until the next of its kind.
package protocol Version {
    var id: Identifier { get }
    var effectiveAt: Timestamp { get }
}

extension Array where Element: Version {
    /// The last one that has begun, of versions in the order of their times; the first one when none has, which is the
    /// case only after the clock was set back behind the creation of what it belongs to.
    package func inEffect(at time: Timestamp) -> Element? { last { $0.effectiveAt <= time } ?? first }

    /// How long around a time the version that is in effect then is the one in effect.
    func span(around time: Timestamp) -> Range<Timestamp> {
        let next = dropFirst().firstIndex { time < $0.effectiveAt } ?? endIndex
        let start = next - 1 > startIndex ? self[next - 1].effectiveAt : .earliest
        return start..<(next < endIndex ? self[next].effectiveAt : .latest)
    }

    /// Whether a version neither holds nor has held at a time, as far as the clock can tell.
    package func isToCome(_ version: Element, at time: Timestamp) -> Bool {
        version.effectiveAt > time && inEffect(at: time)?.id != version.id
    }
}

/// The name of a group on the wire.
package struct GroupName: FieldText, Hashable {
    package static let rule =
        "must be 1 to 40 characters from a-z, 0-9, _ and -, the first of them a letter or a digit"
    package let text: String

    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        func isLetterOrDigit(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard (1...40).contains(bytes.count), isLetterOrDigit(bytes[0]),
            bytes.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") })
        else { return nil }
        self.text = text
    }
}

/// What one call costs, with the versions that make it so.
package struct Quote: Sendable {
    package let price: PriceVersion
    package let multiplier: MultiplierVersion
    /// When a call costs that, unless somebody changes something.
    package let span: Range<Timestamp>

    init(price: PriceVersion, multiplier: MultiplierVersion, span: Range<Timestamp>) {
        self.price = price
        self.multiplier = multiplier
        self.span = span
    }

    package var cost: Credits { price.price.cost(multiplier.multiplier) }
}
