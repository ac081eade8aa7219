/// How many keys an account may hold at once: 3 to 10, set by an admin (seeds 000 and 003 name the two ends).
package struct CredentialCap: Sendable, Equatable {
    package static let range = 3...10
    package static let standard = CredentialCap(value: 10)

    package let value: Int

    /// `nil` outside of 3…10.
    package init?(_ value: Int) {
        guard Self.range.contains(value) else { return nil }
        self.value = value
    }

    private init(value: Int) { self.value = value }
}

/// How many keys an account may create in one UTC day, whatever it deletes meanwhile (seed 003).
package enum DailyCreations {
    package static let limit = 10
}

/// How often an account may rotate its keys in one UTC day: each of the most that it can have, twice.
package enum DailyRotations {
    package static let limit = 20
}

extension Policy {
    /// Why a key may not be created.
    package enum CreationRefusal: Error, Sendable, Equatable {
        case capReached(CredentialCap)
        case dailyLimitReached(limit: Int)
    }

    /// Decides about one more key.
    /// - Parameters:
    ///   - live: keys that hold a slot now, not counting the new one: all but deleted and expired ones.
    ///   - createdToday: creations of this UTC day, not counting the new one; deleted keys count.
    package static func mayCreate(live: Int, cap: CredentialCap, createdToday: Int) -> CreationRefusal? {
        if createdToday >= DailyCreations.limit { return .dailyLimitReached(limit: DailyCreations.limit) }
        if live >= cap.value { return .capReached(cap) }
        return nil
    }
}
