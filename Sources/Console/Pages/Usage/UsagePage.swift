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
    }

    let lead: String
    let months: [MonthChoice]
    let figures: [Figure]
    let chart: UsageChart
    let shares: UsageShares
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
        let days = address.month.days
        let byDay = try await management.getUsage(caller, question(days, .day))
        let shares = try await management.getUsage(caller, question(days, address.by.dimension))
        var names = try await Names(self)
        try await names.find(
            applications: shares.lines.prefix(Page.limits.upperBound).compactMap(\.application),
            keys: shares.lines.prefix(Page.limits.upperBound).compactMap(\.credential), self)
        return UsagePage(
            lead: strings("usage.lead", ["month": formats.month(address.month)]),
            months: address.months.map { month in
                UsagePage.MonthChoice(
                    path: address.path { ($0.month, $0.after) = (month, nil) }, name: formats.name(month),
                    isCurrent: month == address.month)
            },
            figures: try await figures(address, byDay),
            chart: UsageChart(
                byDay.lines, of: address.month, calls: byDay.calls, total: byDay.amount, strings, formats),
            shares: UsageShares(
                shares.lines, by: address.by, calls: shares.calls, total: shares.amount, at: address, names, strings,
                formats))
    }

    private func question(_ days: ClosedRange<Day>, _ by: UsageRequest.Dimension) -> UsageQuestion {
        UsageQuestion(
            from: days.lowerBound, until: days.upperBound, by: [by], credential: nil, application: nil, model: nil)
    }

    private func figures(_ address: UsageAddress, _ month: UsageReport) async throws -> [UsagePage.Figure] {
        let balance = try await management.getAccount(caller, account()).balance.amount
        let today = Day(of: formats.now)
        let now = try await management.getUsage(caller, question(today...today, .day))
        let refused = try await management.listRefusedCalls(
            caller, from: address.month.days.lowerBound, until: address.month.days.upperBound, credential: nil)
        return [
            UsagePage.Figure(
                name: strings("usage.balance"), value: formats.credits(balance), unit: try await worth(balance)),
            UsagePage.Figure(
                name: address.isThisMonth
                    ? strings("usage.spent") : strings("usage.spent_in", ["month": formats.name(address.month)]),
                value: formats.credits(month.amount), unit: calls(month.calls)),
            UsagePage.Figure(
                name: strings("usage.today"), value: formats.credits(now.amount), unit: calls(now.calls)),
            UsagePage.Figure(
                name: address.isThisMonth
                    ? strings("usage.refused") : strings("usage.refused_in", ["month": formats.name(address.month)]),
                value: formats.number(Int(refused.calls)), unit: strings.rich("usage.refused_unit")),
        ]
    }

    private func calls(_ count: Int64) -> Rich {
        strings.rich(count == 1 ? "usage.calls.one" : "usage.calls.other", ["count": formats.number(Int(count))])
    }

    /// How many calls an amount is enough for, at the account's price of its dearest model.
    private func worth(_ amount: Credits) async throws -> Rich {
        let costs = try await management.listModels(caller, Page(limit: Page.limits.upperBound)).items.compactMap(
            \.cost)
        guard let cost = costs.max(), cost.micro > 0 else { return strings.rich("usage.credits") }
        let isOne = costs.allSatisfy { $0 == cost }
        return strings.rich(
            isOne ? "usage.worth" : "usage.worth_least",
            ["calls": formats.number(Int(amount.micro / cost.micro)), "price": formats.credits(cost)])
    }
}
