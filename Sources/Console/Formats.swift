import Foundation
import Values

/// Numbers, amounts and times as one language writes them.
struct Formats: Sendable {
    let strings: Strings
    let zone: TimeZone?
    /// What relative times are relative to.
    let now: Timestamp

    // MARK: Numbers

    /// `12,460`
    func number(_ number: Int) -> String { Self.grouped(String(number)) }

    /// `12,460.5`: exact, without zeros at the end.
    func credits(_ amount: Credits) -> String { Self.grouped(amount.decimal) }

    /// Both languages group by thousands, with a comma, and write a point before decimals.
    private static func grouped(_ decimal: String) -> String {
        let isNegative = decimal.hasPrefix("-")
        let parts = decimal.drop { $0 == "-" }.split(separator: ".", maxSplits: 1)
        guard let whole = parts.first else { return decimal }
        var text = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return (isNegative ? "−" : "") + text + (parts.count > 1 ? "." + parts[1] : "")
    }

    // MARK: Times

    /// `4 Dec 2026`
    func date(_ time: Timestamp) -> String { date(Civil(time)) }

    /// `4 Dec 2026, 09:00 UTC`
    func exact(_ time: Timestamp) -> String {
        let civil = Civil(time)
        return strings("time.exact", ["date": date(civil), "time": civil.clock]) + " UTC"
    }

    /// `09:00 UTC`
    func clock(_ time: Timestamp) -> String { Civil(time).clock + " UTC" }

    /// A time for the partial `time`, to the day; exact in its hint.
    func dated(_ time: Timestamp) -> Moment { Moment(text: date(time), exact: hint(time), machine: time.rfc3339) }

    /// In the person's own zone, such as `4 Dec 2026, 10:00 (+01:00)`; `nil` when it isn't known.
    func local(_ time: Timestamp) -> String? {
        guard let zone else { return nil }
        let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time.seconds)))
        let civil = Civil(time.adding(.seconds(offset)))
        return strings("time.exact", ["date": date(civil), "time": civil.clock]) + " (" + Self.offset(offset) + ")"
    }

    /// Of the person's own zone, such as `+01:00`; `nil` when it isn't known.
    func offset(at time: Timestamp) -> String? {
        zone.map { Self.offset($0.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time.seconds)))) }
    }

    /// `+01:00`
    static func offset(_ seconds: Int) -> String {
        let minutes = abs(seconds) / 60
        return (seconds < 0 ? "−" : "+") + Civil.two(minutes / 60) + ":" + Civil.two(minutes % 60)
    }

    /// A time for the partial `time`: how long ago, or the date when it was longer than a week; exact in its hint.
    func moment(_ time: Timestamp) -> Moment { Moment(text: ago(time), exact: hint(time), machine: time.rfc3339) }

    /// A time for the partial `time`, to the minute.
    func exactly(_ time: Timestamp) -> Moment { Moment(text: exact(time), exact: hint(time), machine: time.rfc3339) }

    private func hint(_ time: Timestamp) -> String {
        exact(time) + (local(time).map { strings("time.yours", ["time": $0]) } ?? "")
    }

    private func ago(_ time: Timestamp) -> String {
        let seconds = now.seconds - time.seconds
        switch seconds {
        case ..<0: return date(time)
        case ..<60: return strings("time.seconds_ago", ["count": number(Int(seconds))])
        case ..<3600: return strings("time.minutes_ago", ["count": number(Int(seconds / 60))])
        case ..<86_400: return strings("time.hours_ago", ["count": number(Int(seconds / 3600))])
        case ..<604_800:
            return strings.count("time.days_ago", Int(seconds / 86_400), shown: number(Int(seconds / 86_400)))
        default: return date(time)
        }
    }

    private func date(_ civil: Civil) -> String {
        strings(
            "time.date",
            ["year": String(civil.year), "month": strings("month.\(civil.month)"), "day": String(civil.day)])
    }

    /// A moment on the calendar and the clock.
    private struct Civil {
        let year: Int64
        let month: Int64
        let day: Int64
        let clock: String

        init(_ time: Timestamp) {
            (year, month, day) = Timestamp.civil(fromDay: time.day)
            let minutes = Int(time.seconds - time.day * 86_400) / 60
            clock = Self.two(minutes / 60) + ":" + Self.two(minutes % 60)
        }

        static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    }
}

/// A time as it is shown.
struct Moment: View {
    let text: String
    /// In UTC and, where it is known, in the person's own time.
    let exact: String
    /// RFC 3339.
    let machine: String
}
