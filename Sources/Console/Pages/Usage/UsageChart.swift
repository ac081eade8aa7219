import Metering
import Values

/// Credits by day: bars that are stretched to the room that there is, with their figures in words beside them.
struct UsageChart: View {
    struct Bar: View {
        let x: Int
        let y: Int
        let height: Int
        /// The day with its figures.
        let title: String
        /// It is not over, and hatched.
        let isToday: Bool
    }

    struct Line: View { let y: Int }

    struct Label: View {
        /// `nil` for a day that has none.
        let text: String?
        /// Left out where there is little room.
        let isMinor: Bool
    }

    struct Row: View {
        let day: String
        let calls: String
        let credits: String
        let isToday: Bool
    }

    /// What it shows, in one sentence.
    let label: String
    let box: String
    let width: Int
    let bars: [Bar]
    let lines: [Line]
    /// From above.
    let scale: [String]
    let labels: [Label]
    /// The same figures.
    let rows: [Row]
    let calls: String
    let credits: String
    let foot: String

    /// In units of the drawing.
    private static let (slot, height) = (20, 1000)

    /// - Parameter lines: one for each day of the month that has calls.
    init(_ report: [UsageLine], of month: Month, calls: Int64, total: Credits, _ strings: Strings, _ formats: Formats) {
        let days = month.days
        let today = Day(of: formats.now)
        var byDay: [Day: UsageLine] = [:]
        for line in report { if let day = line.day { byDay[day] = line } }
        let most = report.max { ($0.amount, $1.day ?? today) < ($1.amount, $0.day ?? today) }
        let scale = ChartScale(most?.amount ?? .zero)
        let shown = (days.lowerBound.number...min(days.upperBound, max(today, days.lowerBound)).number)
            .map { Day(number: $0) }

        func figures(_ day: Day) -> (calls: String, credits: String) {
            (formats.number(Int(byDay[day]?.calls ?? 0)), formats.credits(byDay[day]?.amount ?? .zero))
        }
        bars = shown.enumerated().compactMap { index, day in
            guard let line = byDay[day], line.amount.micro > 0 else { return nil }
            // What there is at all can be seen.
            let height = max(6, line.amount.share(of: scale.top, in: Int64(Self.height)))
            let (calls, credits) = figures(day)
            return Bar(
                x: index * Self.slot + 3, y: Self.height - height, height: height,
                title: strings.count(
                    "usage.bar", Int(line.calls), shown: calls, ["day": formats.day(day), "credits": credits]),
                isToday: day == today)
        }
        rows = shown.map { day in
            let (calls, credits) = figures(day)
            return Row(day: formats.day(day), calls: calls, credits: credits, isToday: day == today)
        }
        let count = Int(days.upperBound.number - days.lowerBound.number) + 1
        width = count * Self.slot
        box = "0 0 \(width) \(Self.height)"
        lines = (0...scale.steps).map { Line(y: $0 * Self.height / scale.steps) }
        self.scale = scale.labels.map(formats.credits)
        labels = (0..<count).map { index in
            let day = Day(number: days.lowerBound.number + Int64(index))
            if day == today { return Label(text: strings("usage.today_axis"), isMinor: false) }
            let isNear = abs(day.number - today.number) < 3
            guard index % 7 == 0, index < 28, !isNear else { return Label(text: nil, isMinor: false) }
            return Label(text: index == 0 ? formats.day(day) : formats.dayOfMonth(day), isMinor: index % 14 != 0)
        }
        self.calls = formats.number(Int(calls))
        credits = formats.credits(total)
        let name = formats.month(month)
        if let most, let day = most.day {
            label = strings(
                "usage.chart_label",
                [
                    "month": name, "credits": credits, "day": formats.day(day),
                    "most": formats.credits(most.amount),
                ])
        } else {
            label = strings("usage.chart_empty", ["month": name])
        }
        foot = strings(days.contains(today) ? "usage.chart_foot_today" : "usage.chart_foot", ["credits": credits])
    }
}

/// The scale of a chart: steps of 1, 2 or 5 times a power of ten, four at most.
struct ChartScale {
    let step: Credits
    let steps: Int
    let top: Credits

    init(_ most: Credits) {
        // A credit is the least step.
        let micro = max(most.micro, 4_000_000)
        var step: Int64 = 1_000_000
        var factors = [2, 5, 10].makeIterator()
        var base = step
        while step < micro / 4 + (micro % 4 > 0 ? 1 : 0) {
            guard let factor = factors.next() else {
                (base, factors) = (step, [2, 5, 10].makeIterator())
                continue
            }
            step = base * Int64(factor)
        }
        self.step = Credits(micro: step)
        steps = Int((micro - 1) / step) + 1
        top = self.step.times(Int64(steps)) ?? .most
    }

    /// From above.
    var labels: [Credits] { (0...steps).reversed().map { step.times(Int64($0)) ?? top } }
}
