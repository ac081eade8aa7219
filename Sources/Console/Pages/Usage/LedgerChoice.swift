import Catalog
import Management
import Metering
import Values

/// What a person narrows the ledger to, by days of UTC.
struct LedgerChoice: Sendable {
    /// The first day and the last one.
    var from: Text = ""
    var until: Text = ""
    var application: Identifier?
    var key: Identifier?
    var model: ModelName?
    var kind: LedgerEntry.Kind?

    init() {}

    init(_ visit: Visit) {
        from = visit.query("from") ?? ""
        until = visit.query("to") ?? ""
        application = visit.query("application").flatMap { Identifier($0) }
        key = visit.query("key").flatMap { Identifier($0) }
        model = visit.query("model").flatMap { ModelName($0) }
        kind = visit.query("kind").flatMap { LedgerEntry.Kind($0) }
    }

    var isEmpty: Bool { pairs.allSatisfy { $0.1 == nil } }

    /// As they stand in an address.
    var pairs: [(String, String?)] {
        [
            ("from", from.isEmpty ? nil : from.string), ("to", until.isEmpty ? nil : until.string),
            ("application", application?.description), ("key", key?.description), ("model", model?.text),
            ("kind", kind?.rawValue),
        ]
    }

    /// The days that are shown; `nil` when what was typed are no days, or the first is after the last.
    /// - Parameter month: whose days are meant where nothing was typed.
    func days(in month: Month) -> ClosedRange<Day>? {
        let all = month.days
        let from = from.isEmpty ? nil : Day(from.string)
        let until = until.isEmpty ? nil : Day(until.string)
        if (from == nil) != self.from.isEmpty || (until == nil) != self.until.isEmpty { return nil }
        let first = from ?? min(all.lowerBound, until ?? all.lowerBound)
        let last = until ?? max(all.upperBound, first)
        return first <= last ? first...last : nil
    }
}
