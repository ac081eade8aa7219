import Catalog
import Management
import Metering
import Values

/// What a person narrows the ledger to, by days of UTC.
struct LedgerChoice: Sendable {
    var typed = TypedDays()
    var application: Identifier?
    var key: Identifier?
    var model: ModelName?
    var kind: LedgerEntry.Kind?
    private(set) var isBroken = false

    init() {}

    init(_ address: inout Address) {
        typed = TypedDays(&address)
        application = address.choice("application") { Identifier($0) }
        key = address.choice("credential") { Identifier($0) }
        model = address.choice("model") { ModelName($0) }
        kind = address.choice("kind") { LedgerEntry.Kind($0) }
        isBroken = address.isBroken
    }

    var isEmpty: Bool { !isBroken && pairs.allSatisfy { ($0.1 ?? "").isEmpty } }

    /// As they stand in an address.
    var pairs: [(String, String?)] {
        typed.pairs + [
            ("application", application?.description), ("credential", key?.description), ("model", model?.text),
            ("kind", kind?.rawValue),
        ]
    }

    /// The days that are shown; `nil` when what was chosen can't be.
    /// - Parameter month: whose days are meant where nothing was typed.
    func days(in month: Month) -> ClosedRange<Day>? {
        guard !isBroken, let (from, until) = typed.days else { return nil }
        let all = month.days
        let first = from ?? min(all.lowerBound, until ?? all.lowerBound)
        return first...(until ?? max(all.upperBound, first))
    }

    /// The same as the ledger is asked.
    /// - Parameter account: `nil` for the person's own.
    func question(_ days: ClosedRange<Day>, of account: Identifier?) -> LedgerQuestion {
        var question = LedgerQuestion(account: account)
        (question.credential, question.application, question.model, question.kind) = (
            key, application, model?.text, kind
        )
        (question.from, question.until) = (days.lowerBound.start, Day(number: days.upperBound.number + 1).start)
        return question
    }

    /// Where the same entries are as comma-separated values, all of them.
    func csvPath(_ days: ClosedRange<Day>, of account: Identifier?) -> String {
        let question = question(days, of: account)
        let pairs: [(String, String?)] = [
            ("format", "csv"), (UsageAddress.accountName, account?.description), ("from", question.from?.rfc3339),
            ("to", question.until?.rfc3339),
            ("application_id", question.application?.description), ("credential_id", question.credential?.description),
            ("model", question.model), ("kind", question.kind?.rawValue),
        ]
        return Address.path("/api/v1/ledger", pairs)
    }
}
