import Values

/// Some times as whole UTC days and what is left of a day at either end, so that a sum reads days and few charges.
struct DayParts: Equatable {
    /// The whole days; `nil` when there is none.
    let days: ClosedRange<Day>?
    /// What is left: up to a day at either end, or all of it when there is no whole day in it.
    let edges: [Range<Timestamp>]

    init(_ times: Range<Timestamp>) {
        let (from, until) = (times.lowerBound, times.upperBound)
        let start = Day(of: from)
        let first = from == .earliest || start.start == from ? start : Day(number: start.number + 1)
        let last = until == .latest ? Day(of: until) : Day(number: Day(of: until).number - 1)
        guard first <= last else {
            days = nil
            edges = times.isEmpty ? [] : [times]
            return
        }
        days = first...last
        let tail = until == .latest ? until : Day(of: until).start
        edges = [from..<max(from, first.start), tail..<until].filter { !$0.isEmpty }
    }
}
