import Accounts
import Database
package import Metering
package import Values

/// Which usage is asked for.
package struct UsageQuestion: Sendable {
    /// `nil` for the beginning of the month that `until` is in.
    package var from: Day?
    /// `nil` for today.
    package var until: Day?
    /// What is told apart; `nil` for days.
    package var by: [UsageRequest.Dimension]?
    package var credential: Identifier?
    package var application: Identifier?
    package var model: String?

    package init(
        from: Day?, until: Day?, by: [UsageRequest.Dimension]?, credential: Identifier?, application: Identifier?,
        model: String?
    ) {
        self.from = from
        self.until = until
        self.by = by
        self.credential = credential
        self.application = application
        self.model = model
    }
}

/// Usage of some days, with its sums.
package struct UsageReport: Sendable {
    package let days: ClosedRange<Day>
    package let lines: [UsageLine]
    package let calls: Int64
    package let amount: Credits
}

/// How many calls were not served, with their sum.
package struct RefusedCallsReport: Sendable {
    package let days: ClosedRange<Day>
    package let lines: [(line: RefusedCallsLine, calls: Int64)]
    package var calls: Int64 { lines.reduce(0) { $0 + $1.calls } }
}

/// What was used, and what was not served.
extension Management {
    /// In days.
    package static let longestReport: Int64 = 366

    package func getUsage(_ caller: Caller, _ question: UsageQuestion) async throws(Refusal) -> UsageReport {
        try await perform(.getUsage, caller) { domains, actor in
            let days = try Self.days(question.from, question.until, at: domains.clock.now())
            var request = UsageRequest(account: actor.account, days: days, by: question.by ?? [.day])
            request.credential = question.credential
            request.application = question.application
            request.model = question.model
            let lines = try await domains.metering.report(request)
            var calls: Int64 = 0
            var amount = Credits.zero
            for line in lines {
                guard let sum = amount.adding(line.amount) else { throw MeteringError.balanceTooLarge }
                (calls, amount) = (calls + line.calls, sum)
            }
            return UsageReport(days: days, lines: lines, calls: calls, amount: amount)
        }
    }

    /// How many calls of the caller's own account were refused or failed.
    /// - Parameters:
    ///   - from: `nil` for the beginning of the month that `until` is in.
    ///   - until: `nil` for today.
    package func listRefusedCalls(
        _ caller: Caller, from: Day?, until: Day?, credential: Identifier?
    ) async throws(Refusal) -> RefusedCallsReport {
        try await perform(.listRefusedCalls, caller) { domains, actor in
            let days = try Self.days(from, until, at: domains.clock.now())
            let lines = try await domains.metering.refusedCalls(of: actor.account, days, credential: credential)
            return RefusedCallsReport(days: days, lines: lines)
        }
    }

    private static func days(_ from: Day?, _ until: Day?, at now: Timestamp) throws(Refusal) -> ClosedRange<Day> {
        let until = until ?? Day(of: now)
        let from = from ?? until.firstOfMonth
        guard from <= until, until.number - from.number < longestReport else {
            throw .invalid(
                "from", "must be on or before to, with at most \(longestReport) days from the one to the other")
        }
        return from...until
    }
}
