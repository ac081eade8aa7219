/// A moment: microseconds since 1970-01-01T00:00:00Z, as the database keeps it.
package struct Timestamp: Sendable, Hashable, Comparable {
    package let microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

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

    /// The UTC day as a count of days since 1970-01-01 (negative before).
    package var day: Int64 {
        let perDay: Int64 = 86_400_000_000
        return microseconds >= 0 ? microseconds / perDay : (microseconds + 1) / perDay - 1
    }

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
