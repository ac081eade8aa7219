import Catalog
import Foundation
import Management
import Metering
import Values

/// What a person narrows the ledger to, by days of UTC.
struct LedgerChoice: Sendable {
    /// The first day and the last one, as they were typed.
    var from: Text = ""
    var until: Text = ""
    var application: Identifier?
    var key: Identifier?
    var model: ModelName?
    var kind: LedgerEntry.Kind?
    /// Something in the address is none of what can be chosen. What it would show is not what was asked for.
    private(set) var isBroken = false

    init() {}

    init(_ visit: Visit) {
        var isBroken = false
        func read<T>(_ name: String, _ make: (Text) -> T?) -> T? {
            guard let text = visit.query(name), !text.isEmpty else { return nil }
            let value = make(text)
            if value == nil { isBroken = true }
            return value
        }
        from = visit.query("from") ?? ""
        until = visit.query("to") ?? ""
        application = read("application") { Identifier($0) }
        key = read("credential") { Identifier($0) }
        model = read("model") { ModelName($0) }
        kind = read("kind") { LedgerEntry.Kind($0) }
        self.isBroken = isBroken
    }

    var isEmpty: Bool { !isBroken && pairs.allSatisfy { $0.1 == nil } }

    /// As they stand in an address.
    var pairs: [(String, String?)] {
        [
            ("from", from.isEmpty ? nil : from.string), ("to", until.isEmpty ? nil : until.string),
            ("application", application?.description), ("credential", key?.description), ("model", model?.text),
            ("kind", kind?.rawValue),
        ]
    }

    /// The days that are shown; `nil` when what was typed are no days, or the first is after the last.
    /// - Parameter month: whose days are meant where nothing was typed.
    func days(in month: Month) -> ClosedRange<Day>? {
        let all = month.days
        let from = Day(self.from.string)
        let until = Day(self.until.string)
        guard from != nil || self.from.isEmpty, until != nil || self.until.isEmpty, !isBroken else { return nil }
        let first = from ?? min(all.lowerBound, until ?? all.lowerBound)
        let last = until ?? max(all.upperBound, first)
        return first <= last ? first...last : nil
    }

    /// The same as the ledger is asked.
    func question(_ days: ClosedRange<Day>) -> LedgerQuestion {
        var question = LedgerQuestion()
        (question.credential, question.application, question.model, question.kind) = (
            key, application, model?.text, kind
        )
        (question.from, question.until) = (days.lowerBound.start, Day(number: days.upperBound.number + 1).start)
        return question
    }

    /// Where the same entries are as comma-separated values, all of them.
    func csvPath(_ days: ClosedRange<Day>) -> String {
        let question = question(days)
        let pairs: [(String, String?)] = [
            ("format", "csv"), ("from", question.from?.rfc3339), ("to", question.until?.rfc3339),
            ("application_id", question.application?.description), ("credential_id", question.credential?.description),
            ("model", question.model), ("kind", question.kind?.rawValue),
        ]
        return "/api/v1/ledger?"
            + pairs.compactMap { name, value in value.map { name + "=" + UsageAddress.escaped($0) } }
            .joined(separator: "&")
    }
}
