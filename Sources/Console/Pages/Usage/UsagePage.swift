import Accounts
import Database
import Hummingbird
import Management
import Metering
import Values
import Web

/// What the account has left and what it used: by day, by what it was used for, and each entry of the ledger.
struct UsagePage: View {
    struct MonthChoice: View {
        let path: String
        let name: String
        let isCurrent: Bool
    }

    /// One of the figures above.
    struct Figure: View {
        let name: String
        let value: String
        let unit: Rich
        var whyPath: String?
    }

    /// The account that it is about.
    struct Whose: View {
        let name: String
        let path: String
    }

    /// `nil` for the person's own.
    let whose: Whose?
    let lead: String
    let livePath: String
    /// What the figures were made of, for ``Console/livePath``.
    let liveMark: String
    let months: [MonthChoice]
    let figures: [Figure]
    let chart: UsageChart
    let shares: UsageShares
    let refused: RefusedSection?
    let ledger: LedgerSection
}

extension Console {
    func declareUsage(_ routes: inout Routes) {
        page(&routes, "/usage", for: .getUsage) { visit in
            let address = try UsageAddress(visit)
            return try await visit.page(
                "usage", try await visit.usage(address), in: address.account == nil ? .usage : .accounts)
        }
    }
}

extension Visit {
    fileprivate func usage(_ address: UsageAddress) async throws -> UsagePage {
        // Before the figures, so that what changes meanwhile is shown next.
        let other = address.account
        let mark = try await usageMark(of: other)
        let details = try await management.getAccount(caller, try other ?? account())
        let days = address.month.days
        let byDay = try await management.getUsage(caller, question(days, .day, of: other))
        let shares = try await management.getUsage(caller, question(days, address.by.dimension, of: other))
        let refused = try await refusedCalls(days, of: other)
        var names = try await Names(self, of: other)
        try await names.find(
            applications: shares.lines.compactMap(\.application).prefix(Page.limits.upperBound),
            keys: (shares.lines.compactMap(\.credential) + refused.lines.compactMap(\.group.credential))
                .prefix(Page.limits.upperBound), self)
        let models = try await management.listModels(caller, Page(limit: Page.limits.upperBound)).items
        let ledger = try await ledger(address, models, &names)
        return UsagePage(
            whose: other.map {
                UsagePage.Whose(name: details.account.name, path: "\(Console.accountsPath)/\($0)")
            },
            lead: strings(
                address.isThisMonth ? "usage.lead_live" : "usage.lead", ["month": formats.month(address.month)]),
            livePath: Console.livePath + (other.map { "?\(UsageAddress.accountName)=\($0)" } ?? ""),
            liveMark: mark,
            months: address.months.map { month in
                UsagePage.MonthChoice(
                    path: address.path { ($0.month, $0.after) = (month, nil) }, name: formats.name(month),
                    isCurrent: month == address.month)
            },
            figures: try await figures(address, details, byDay, refused, models),
            chart: UsageChart(
                byDay.lines, of: address.month, calls: byDay.calls, total: byDay.amount, strings, formats),
            shares: UsageShares(
                shares.lines, by: address.by, calls: shares.calls, total: shares.amount, at: address, names, strings,
                formats),
            refused: RefusedSection(refused, names, strings, formats), ledger: ledger)
    }

    private func refusedCalls(
        _ days: ClosedRange<Day>, of other: Identifier?
    ) async throws -> RefusedCallsReport {
        var question = RefusedCallsQuestion(account: other)
        (question.from, question.until, question.by) = (days.lowerBound, days.upperBound, [.credential, .code])
        return try await management.listRefusedCalls(caller, question)
    }

    private func question(
        _ days: ClosedRange<Day>, _ by: UsageRequest.Dimension, of other: Identifier?
    ) -> UsageQuestion {
        var question = UsageQuestion(account: other)
        (question.from, question.until, question.by) = (days.lowerBound, days.upperBound, [by])
        return question
    }

    private func figures(
        _ address: UsageAddress, _ details: AccountDetails, _ month: UsageReport, _ refused: RefusedCallsReport,
        _ models: [ModelOffer]
    ) async throws -> [UsagePage.Figure] {
        let balance = details.balance.amount
        let today = Day(of: formats.now)
        let now = try await management.getUsage(caller, question(today...today, .day, of: address.account))
        return [
            UsagePage.Figure(
                name: strings("usage.balance"), value: formats.credits(balance),
                unit: address.account == nil ? worth(balance, models) : strings.rich("usage.credits")),
            UsagePage.Figure(
                name: address.isThisMonth
                    ? strings("usage.spent") : strings("usage.spent_in", ["month": formats.name(address.month)]),
                value: formats.credits(month.amount), unit: calls(month.calls)),
            UsagePage.Figure(
                name: strings("usage.today"), value: formats.credits(now.amount), unit: calls(now.calls)),
            UsagePage.Figure(
                name: address.isThisMonth
                    ? strings("usage.refused") : strings("usage.refused_in", ["month": formats.name(address.month)]),
                value: formats.number(Int(refused.calls)), unit: strings.rich("usage.refused_unit"),
                whyPath: refused.calls > 0 ? "#refused" : nil),
        ]
    }

    private func calls(_ count: Int64) -> Rich {
        strings.rich(count == 1 ? "usage.calls.one" : "usage.calls.other", ["count": formats.number(Int(count))])
    }

    /// How many calls an amount is enough for, at the account's price of its dearest model.
    private func worth(_ amount: Credits, _ models: [ModelOffer]) -> Rich {
        let costs = models.compactMap(\.cost)
        guard let cost = costs.max(), let calls = KeyCosts.calls(for: amount, at: cost) else {
            return strings.rich("usage.credits")
        }
        return strings.rich(
            costs.allSatisfy { $0 == cost } ? "usage.worth" : "usage.worth_least",
            ["calls": formats.number(calls), "price": formats.credits(cost)])
    }
}
