/// A period: one UTC calendar month, as a count of months since January 1970.
///
/// A month is computed from the time of a call and never turned by a job: at 00:00:00.000 UTC of its first day the next
/// call simply counts in another month (invariant 10).
package struct Month: Sendable, Hashable, Comparable {
    package let number: Int64

    package init(number: Int64) { self.number = number }

    package init(of time: Timestamp) {
        let date = Timestamp.civil(fromDay: time.day)
        number = (date.year - 1970) * 12 + date.month - 1
    }

    /// Reads `2026-11`.
    package init?(_ text: String) {
        guard text.utf8.count == 7, let first = Day(text + "-01") else { return nil }
        self = first.month
    }

    package static func < (left: Month, right: Month) -> Bool { left.number < right.number }

    /// `2026-11`.
    package var text: String {
        let years = number >= 0 ? number / 12 : (number - 11) / 12
        let month = String(number - years * 12 + 1)
        let digits = String(1970 + years)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + (month.count == 1 ? "-0" : "-")
            + month
    }
}

/// One UTC day, as a count of days since 1970-01-01.
package struct Day: Sendable, Hashable, Comparable {
    package let number: Int64

    package init(number: Int64) { self.number = number }
    package init(of time: Timestamp) { number = time.day }

    /// Reads `2026-11-21`.
    package init?(_ text: String) {
        guard text.utf8.count == 10, let start = Timestamp(rfc3339: text + "T00:00:00Z") else { return nil }
        number = start.day
    }

    package static func < (left: Day, right: Day) -> Bool { left.number < right.number }

    /// Its first moment; the first or the last that there is, where that is outside of what can be told.
    package var start: Timestamp {
        let (microseconds, isOver) = number.multipliedReportingOverflow(by: 86_400_000_000)
        return isOver ? (number < 0 ? .earliest : .latest) : Timestamp(microseconds: microseconds)
    }

    package var month: Month { Month(of: start) }

    /// The first day of the month that it is in.
    package var firstOfMonth: Day { Day(number: number - Timestamp.civil(fromDay: number).day + 1) }

    /// `2026-11-21`.
    package var text: String { String(start.rfc3339.prefix { $0 != "T" }) }
}
