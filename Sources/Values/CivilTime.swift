/// RFC 3339 text to and from a ``Timestamp``.
///
/// Written here because the platform's formatters stop at milliseconds and the wire has six digits (seed 004:
/// `2024-08-01T10:00:00.000000Z`). The calendar arithmetic is the proleptic Gregorian one of ISO 8601, by eras of 400 years
/// of 146,097 days that begin on the first of March, so that a leap day is the last day of its year.
extension Timestamp {
    /// `2026-11-21T10:00:00.000000Z`. RFC 3339 has four digits for a year, so nothing outside 0…9999 is read.
    package var rfc3339: String {
        let intoDay = microseconds - day * 86_400_000_000
        let (year, month, dayOfMonth) = Self.civil(fromDay: day)
        let seconds = intoDay / 1_000_000
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(dayOfMonth, 2) + "T" + padded(seconds / 3600, 2)
            + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2) + "."
            + padded(intoDay % 1_000_000, 6) + "Z"
    }

    /// Reads RFC 3339 §5.6 `date-time`: offset or `Z` required, one to nine fraction digits, kept to microseconds.
    /// A leap second (`:60`) is read as the second after it. `nil` for anything else, and for what is outside the years
    /// 0000 to 9999 in UTC, which could not be shown again.
    package init?(rfc3339 text: String) {
        var reader = DigitReader(text)
        guard let year = reader.digits(4), reader.skip("-"), let month = reader.digits(2), reader.skip("-"),
            let day = reader.digits(2), reader.skip("T", or: "t"), let hour = reader.digits(2), reader.skip(":"),
            let minute = reader.digits(2), reader.skip(":"), let second = reader.digits(2),
            (1...12).contains(month), day >= 1, day <= Self.length(ofMonth: month, year: year),
            hour <= 23, minute <= 59, second <= 60
        else { return nil }
        guard let fraction = reader.skip(".") ? reader.fraction() : 0, let offset = reader.offset(), reader.isAtEnd
        else {
            return nil
        }
        let days = Self.day(fromCivil: year, month, day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        guard Self.shown.contains(seconds) else { return nil }
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }

    /// The seconds of the years 0000 to 9999.
    private static let shown = day(fromCivil: 0, 1, 1) * 86_400..<day(fromCivil: 10_000, 1, 1) * 86_400

    private static func length(ofMonth month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func day(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// `Mon, 30 Nov 2026 10:00:00 GMT`: the date of HTTP (RFC 9110 §5.6.7).
    package var httpDate: String {
        let (year, month, dayOfMonth) = Self.civil(fromDay: day)
        let second = seconds - day * 86_400
        // 1970 began on a Thursday.
        let weekday = Int(((day + 4) % 7 + 7) % 7)
        return Self.weekdays[weekday] + ", " + padded(dayOfMonth, 2) + " " + Self.months[Int(month) - 1] + " "
            + padded(year, 4) + " " + padded(second / 3600, 2) + ":" + padded(second / 60 % 60, 2) + ":"
            + padded(second % 60, 2) + " GMT"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The day of the calendar that is so many days after 1970-01-01.
    package static func civil(fromDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}

private func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// Walks over the bytes of a time.
private struct DigitReader {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ wanted: Character, or other: Character? = nil) -> Bool {
        guard let first = rest.first, first == wanted.asciiValue || first == other?.asciiValue else { return false }
        rest = rest.dropFirst()
        return true
    }

    mutating func digits(_ count: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// One to nine digits after the point, as microseconds.
    mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var count = 0
        while let digit = digit() {
            count += 1
            guard count <= 9 else { return nil }
            if count <= 6 { value = value * 10 + digit }
        }
        guard count > 0 else { return nil }
        for _ in 0..<max(0, 6 - count) { value *= 10 }
        return value
    }

    /// `Z` or `±hh:mm`, as seconds east of UTC.
    mutating func offset() -> Int64? {
        if skip("Z", or: "z") { return 0 }
        let isWest = skip("-")
        guard isWest || skip("+"), let hours = digits(2), skip(":"), let minutes = digits(2), hours <= 23, minutes <= 59
        else { return nil }
        let seconds = hours * 3600 + minutes * 60
        return isWest ? -seconds : seconds
    }

    private mutating func digit() -> Int64? {
        guard let first = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
        rest = rest.dropFirst()
        return Int64(first - UInt8(ascii: "0"))
    }
}
