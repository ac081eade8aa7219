import Accounts
import Database
package import Metering
package import Values

/// Which usage is asked for.
package struct UsageQuestion: Sendable {
    /// `nil` for the caller's own.
    package var account: Identifier?
    /// `nil` for the beginning of the month that `until` is in.
    package var from: Day?
    /// `nil` for today.
    package var until: Day?
    /// What is told apart; `nil` for days.
    package var by: [UsageRequest.Dimension]?
    package var credential: Identifier?
    package var application: Identifier?
    package var model: String?

    package init(account: Identifier? = nil) { self.account = account }
}

/// Usage of some days, with its sums.
package struct UsageReport: Sendable {
    package let days: ClosedRange<Day>
    package let lines: [UsageLine]
    package let calls: Int64
    package let amount: Credits
}

/// Which calls that were not served are asked for.
package struct RefusedCallsQuestion: Sendable {
    /// In days.
    package static let spans = 1...35

    /// `nil` for the caller's own.
    package var account: Identifier?
    /// So many days up to and with today, instead of from and until; 1…35.
    package var last: Int?
    /// `nil` for the beginning of the month that `until` is in.
    package var from: Day?
    /// `nil` for today.
    package var until: Day?
    /// What is told apart; `nil` for all that can be.
    package var by: [RefusedCallsRequest.Dimension]?
    package var credential: Identifier?

    package init(account: Identifier? = nil) { self.account = account }
}

/// How many calls were not served, with their sum.
package struct RefusedCallsReport: Sendable {
    package let days: ClosedRange<Day>
    package let lines: [(group: RefusedCallsGroup, calls: Int64)]
    package var calls: Int64 { lines.reduce(0) { $0 + $1.calls } }
}

/// What was used, and what was not served.
extension Management {
    /// In days.
    package static let longestReport: Int64 = 366

    package func getUsage(_ caller: Caller, _ question: UsageQuestion) async throws(Refusal) -> UsageReport {
        try await performOn(question.account, caller, own: .getUsage, any: .getUsageOfAny) { domains, account in
            let days = try Self.days(question.from, question.until, at: domains.clock.now())
            var request = UsageRequest(account: account, days: days, by: question.by ?? [.day])
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

    /// How many calls were refused or failed.
    package func listRefusedCalls(
        _ caller: Caller, _ question: RefusedCallsQuestion
    ) async throws(Refusal) -> RefusedCallsReport {
        try await performOn(
            question.account, caller, own: .listRefusedCalls, any: .listRefusedCallsOfAny
        ) { domains, account in
            let days = try Self.days(question, at: domains.clock.now())
            let request = RefusedCallsRequest(
                account: account, days: days, by: Set(question.by ?? RefusedCallsRequest.Dimension.allCases),
                credential: question.credential)
            return RefusedCallsReport(days: days, lines: try await domains.metering.refusedCalls(request))
        }
    }

    private static func days(
        _ question: RefusedCallsQuestion, at now: Timestamp
    ) throws(Refusal) -> ClosedRange<Day> {
        guard let last = question.last else { return try days(question.from, question.until, at: now) }
        let spans = RefusedCallsQuestion.spans
        guard spans.contains(last) else {
            throw .invalid("days", "must be a whole number from \(spans.lowerBound) to \(spans.upperBound)")
        }
        guard question.from == nil, question.until == nil else {
            throw .invalid("days", "can't be there with from or to")
        }
        let today = Day(of: now)
        return Day(number: today.number - Int64(last) + 1)...today
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
