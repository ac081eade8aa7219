package import Values

/// What a report on usage is asked for.
package struct UsageRequest: Sendable {
    /// The most lines that are answered.
    package static let limit = 10_000

    /// What a report can tell apart.
    package enum Dimension: String, Sendable, CaseIterable {
        case day, credential, application, model
    }

    package var account: Identifier
    package var days: ClosedRange<Day>
    package var by: [Dimension]
    package var credential: Identifier?
    package var application: Identifier?
    package var model: String?

    package init(account: Identifier, days: ClosedRange<Day>, by: [Dimension]) {
        self.account = account
        self.days = days
        self.by = by
    }
}

/// One line of a report; what it was not asked to tell apart is `nil`.
package struct UsageLine: Sendable {
    package var day: Day?
    package var credential: Identifier?
    package var application: Identifier?
    package var model: String?
    package var calls: Int64
    package var amount: Credits
}

extension UsageRequest.Dimension: FieldText {
    package static let rule =
        "must be one or more of " + allCases.map(\.rawValue).joined(separator: ", ")
        + ", with commas between them, each once"

    package init?(_ text: String) { self.init(rawValue: text) }
}
