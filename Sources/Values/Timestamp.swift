/// A moment: microseconds since 1970-01-01T00:00:00Z, as the database keeps it.
package struct Timestamp: Sendable, Hashable, Comparable {
    package let microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    /// Before and after all that can happen.
    package static let earliest = Timestamp(microseconds: .min)
    package static let latest = Timestamp(microseconds: .max)

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// The moment this much later; the last representable moment where the sum would pass it.
    package func adding(_ duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let (scaled, tooLong) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, tooLate) = microseconds.addingReportingOverflow(scaled)
        if tooLong || tooLate { return Timestamp(microseconds: seconds < 0 ? .min : .max) }
        let (exact, past) = sum.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return past ? Timestamp(microseconds: .max) : Timestamp(microseconds: exact)
    }

    /// By how much the next reading of a clock may be behind the last one, as when a time service sets it: whoever finds
    /// a time later than that in the future of now takes it for one of a clock that was wrong.
    package static let slack: Duration = .seconds(60)

    /// Whether a clock that shows `now` can have shown this moment before.
    package func hasBeen(at now: Timestamp) -> Bool { self <= now.adding(Self.slack) }

    /// Whole seconds since 1970, rounded down, before 1970 too.
    package var seconds: Int64 { Self.floor(microseconds, 1_000_000) }

    /// Whole milliseconds since 1970, rounded down, before 1970 too.
    package var milliseconds: Int64 { Self.floor(microseconds, 1000) }

    private static func floor(_ value: Int64, _ unit: Int64) -> Int64 {
        value >= 0 ? value / unit : (value + 1) / unit - 1
    }

    /// The UTC day as a count of days since 1970-01-01 (negative before).
    package var day: Int64 { Self.floor(microseconds, 86_400_000_000) }

    /// Seconds until a UTC day has ended, rounded up; for the day that it is, 1…86,400.
    package func seconds(toEndOf day: Int64) -> Int64 {
        ((day + 1) * 86_400_000_000 - microseconds + 999_999) / 1_000_000
    }
}

extension Timestamp? {
    /// Whether an expiry has come. The instant itself is already too late; `nil` never comes.
    package func isExpired(at time: Timestamp) -> Bool {
        guard let self else { return false }
        return self <= time
    }
}
