import Values

/// Days, months and shares of a whole as one language writes them.
extension Formats {
    /// `4 Dec`
    func day(_ day: Day) -> String {
        let date = Timestamp.civil(fromDay: day.number)
        return strings("time.day", ["month": strings("month.\(date.month)"), "day": String(date.day)])
    }

    /// `4`
    func dayOfMonth(_ day: Day) -> String { String(Timestamp.civil(fromDay: day.number).day) }

    /// `November`
    func name(_ month: Month) -> String {
        strings("month_name.\(Timestamp.civil(fromDay: month.days.lowerBound.number).month)")
    }

    /// `November 2026`
    func month(_ month: Month) -> String {
        let date = Timestamp.civil(fromDay: month.days.lowerBound.number)
        return strings("time.month", ["month": name(month), "year": String(date.year)])
    }

    /// A time for the partial `time`, to the second and in UTC, for tables that say so above: `4 Dec 09:00:41`.
    func toSecond(_ time: Timestamp) -> Moment { toSecond(time, on: day(Day(of: time))) }

    /// The same with its year, for lists that are longer than one.
    func exactlyToSecond(_ time: Timestamp) -> Moment { toSecond(time, on: date(time)) }

    private func toSecond(_ time: Timestamp, on date: String) -> Moment {
        let second = time.seconds - time.day * 86_400
        let clock = [second / 3600, second / 60 % 60, second % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return Moment(
            text: date + " " + clock.joined(separator: ":"), exact: exactly(time).exact, machine: time.rfc3339)
    }

    /// With its sign, also when the amount is more than nothing: `+5,000`, `−20`.
    func signed(_ amount: Credits) -> String { (amount.micro > 0 ? "+" : "") + credits(amount) }

    /// `57.3%`
    func share(_ thousandths: Int) -> String { "\(thousandths / 10).\(thousandths % 10)%" }
}

extension Month {
    /// All of its days.
    var days: ClosedRange<Day> {
        let first = Self.first(number)
        return first...Day(number: Self.first(number + 1).number - 1)
    }

    private static func first(_ number: Int64) -> Day {
        guard let day = Day(Month(number: number).text + "-01") else {
            preconditionFailure("a month of the years that can be shown")
        }
        return day
    }
}

extension Credits {
    /// How much of a whole it is, from 0 to `parts`, rounded down; 0 of nothing.
    func share(of whole: Credits, in parts: Int64) -> Int {
        guard micro > 0, whole.micro > 0 else { return 0 }
        guard micro < whole.micro else { return Int(parts) }
        return Int(whole.micro.dividingFullWidth(micro.multipliedFullWidth(by: parts)).quotient)
    }
}
