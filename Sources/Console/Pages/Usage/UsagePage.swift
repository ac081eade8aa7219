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
            let address = UsageAddress(visit)
            return try await visit.page("usage", try await visit.usage(address), in: .usage)
        }
    }
}

extension Visit {
    fileprivate func usage(_ address: UsageAddress) async throws -> UsagePage {
        // Before the figures, so that what changes meanwhile is shown next.
        let mark = try await usageMark()
        let days = address.month.days
        let byDay = try await management.getUsage(caller, question(days, .day))
        let shares = try await management.getUsage(caller, question(days, address.by.dimension))
        let refused = try await refusedCalls(days)
        var names = try await Names(self)
        try await names.find(
            applications: shares.lines.compactMap(\.application).prefix(Page.limits.upperBound),
            keys: (shares.lines.compactMap(\.credential) + refused.lines.compactMap(\.group.credential))
                .prefix(Page.limits.upperBound), self)
        let models = try await management.listModels(caller, Page(limit: Page.limits.upperBound)).items
        let ledger = try await ledger(address, models, &names)
        return UsagePage(
            lead: strings(
                address.isThisMonth ? "usage.lead_live" : "usage.lead", ["month": formats.month(address.month)]),
            livePath: Console.livePath,
            liveMark: mark,
            months: address.months.map { month in
                UsagePage.MonthChoice(
                    path: address.path { ($0.month, $0.after) = (month, nil) }, name: formats.name(month),
                    isCurrent: month == address.month)
            },
            figures: try await figures(address, byDay, refused, models),
            chart: UsageChart(
                byDay.lines, of: address.month, calls: byDay.calls, total: byDay.amount, strings, formats),
            shares: UsageShares(
                shares.lines, by: address.by, calls: shares.calls, total: shares.amount, at: address, names, strings,
                formats),
            refused: RefusedSection(refused, names, strings, formats), ledger: ledger)
    }

    private func refusedCalls(_ days: ClosedRange<Day>) async throws -> RefusedCallsReport {
        var question = RefusedCallsQuestion()
        (question.from, question.until, question.by) = (days.lowerBound, days.upperBound, [.credential, .code])
        return try await management.listRefusedCalls(caller, question)
    }

    private func question(_ days: ClosedRange<Day>, _ by: UsageRequest.Dimension) -> UsageQuestion {
        var question = UsageQuestion()
        (question.from, question.until, question.by) = (days.lowerBound, days.upperBound, [by])
        return question
    }

    private func figures(
        _ address: UsageAddress, _ month: UsageReport, _ refused: RefusedCallsReport, _ models: [ModelOffer]
    ) async throws -> [UsagePage.Figure] {
        let balance = try await management.getAccount(caller, account()).balance.amount
        let today = Day(of: formats.now)
        let now = try await management.getUsage(caller, question(today...today, .day))
        return [
            UsagePage.Figure(
                name: strings("usage.balance"), value: formats.credits(balance), unit: worth(balance, models)),
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
