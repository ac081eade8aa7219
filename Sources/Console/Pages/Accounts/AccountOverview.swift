import Accounts
import Database
import Hummingbird
import Management
import Metering
import Policy
import Values
import Web

/// One account, for who operates the deployment: what it has left and used, what it may, its people, and how to stop it.
struct AccountOverview: View {
    /// A grant or a correction.
    struct Entry: View {
        let id: String
        let time: Moment
        let kind: String
        let reason: String?
        let amount: String
        let isUp: Bool
        let isNew: Bool
    }

    let name: String
    let id: String
    let path: String
    let lead: String
    let status: Status
    let isOpen: Bool
    let isSuspended: Bool
    let isOwn: Bool
    /// What just came of a grant or a correction.
    let booked: Rich?
    let figures: [UsagePage.Figure]
    let entries: [Entry]
    let hasEntries: Bool
    /// `nil` in a month without a call.
    let chart: UsageChart?
    let people: AccountPeople
    let facts: [KeyPage.Fact]
    let usagePath: String
    let auditPath: String
}

extension Console {
    func declareAccountOverview(_ routes: inout Routes) {
        page(&routes, "/accounts/{account_id}", for: .listAccounts) { visit in
            let details = try await visit.namedAccount()
            return try await visit.page("account-overview", try await visit.overview(details), in: .accounts)
        }
    }
}

extension Visit {
    fileprivate func overview(_ details: AccountDetails) async throws -> AccountOverview {
        let account = details.account
        let isOwn = account.id == caller.actor?.account
        let month = Month(of: formats.now)
        let used = try await usage(of: account.id, month.days)
        let people = try await people(of: details)
        let (entries, booked) = try await bookings(of: details)
        return AccountOverview(
            name: account.name, id: account.id.description, path: "\(Console.accountsPath)/\(account.id)",
            lead: strings(isOwn ? "accounts.lead_own" : "accounts.lead_other"), status: status(of: details),
            isOpen: account.closedAt == nil, isSuspended: account.isSuspended, isOwn: isOwn, booked: booked,
            figures: try await figures(of: details, used), entries: entries, hasEntries: !entries.isEmpty,
            chart: used.calls == 0
                ? nil
                : UsageChart(used.lines, of: month, calls: used.calls, total: used.amount, strings, formats),
            people: people, facts: facts(of: account),
            usagePath: "\(UsageAddress.path)?\(UsageAddress.accountName)=\(account.id)",
            auditPath: "\(AuditAddress.path)?of=\(account.id)")
    }

    /// By day.
    func usage(of account: Identifier, _ days: ClosedRange<Day>) async throws(Refusal) -> UsageReport {
        var question = UsageQuestion(account: account)
        (question.from, question.until, question.by) = (days.lowerBound, days.upperBound, [.day])
        return try await management.getUsage(caller, question)
    }

    private func figures(of details: AccountDetails, _ month: UsageReport) async throws -> [UsagePage.Figure] {
        let (balance, today) = (details.balance, Day(of: formats.now))
        let now = month.lines.first { $0.day == today }
        var question = RefusedCallsQuestion(account: details.account.id)
        (question.from, question.until, question.by) = (month.days.lowerBound, month.days.upperBound, [.code])
        let refused = try await management.listRefusedCalls(caller, question).calls
        func calls(_ count: Int64) -> Rich {
            strings.rich(
                count == 1 ? "usage.calls.one" : "usage.calls.other", ["count": formats.number(Int(count))])
        }
        return [
            UsagePage.Figure(
                name: strings("usage.balance"), value: formats.credits(balance.amount),
                unit: balance.usage.held > .zero
                    ? strings.rich("accounts.of_it_held", ["credits": formats.credits(balance.usage.held)])
                    : strings.rich("usage.credits")),
            UsagePage.Figure(
                name: strings("usage.spent"), value: formats.credits(month.amount), unit: calls(month.calls)),
            UsagePage.Figure(
                name: strings("usage.today"), value: formats.credits(now?.amount ?? .zero),
                unit: calls(now?.calls ?? 0)),
            UsagePage.Figure(
                name: strings("usage.refused"), value: formats.number(Int(refused)),
                unit: strings.rich("usage.refused_unit")),
        ]
    }

    /// The newest grants and corrections, and what to say of the one that was just made.
    private func bookings(of details: AccountDetails) async throws -> ([AccountOverview.Entry], Rich?) {
        var all: [LedgerEntry] = []
        for kind in [LedgerEntry.Kind.grant, .adjustment] {
            var question = LedgerQuestion(account: details.account.id)
            question.kind = kind
            all += try await management.readLedger(caller, question, Page(limit: 10)).items
        }
        all.sort { $1.id < $0.id }
        let marked = Flash(request.headers)?.id
        let booked = all.first { $0.id == marked }.map { entry in
            strings.rich(
                "accounts.booked",
                [
                    "amount": formats.signed(entry.amount), "balance": formats.credits(details.balance.amount),
                ])
        }
        let entries = all.prefix(10).map { entry in
            AccountOverview.Entry(
                id: "entry-\(entry.id)", time: formats.exactly(entry.createdAt),
                kind: strings("ledger.\(entry.kind.rawValue)"), reason: entry.reason,
                amount: formats.signed(entry.amount), isUp: entry.amount > .zero, isNew: entry.id == marked)
        }
        return (entries, booked)
    }

    private func facts(of account: Account) -> [KeyPage.Fact] {
        func fact(_ name: String, _ value: String, _ more: String? = nil) -> KeyPage.Fact {
            KeyPage.Fact(name: strings(name), value: value, more: more)
        }
        let days = account.keyRotationAge.days
        return [
            fact("accounts.cap", strings("accounts.at_most", ["count": formats.number(account.cap.value)])),
            fact("accounts.default_group", account.defaultGroup),
            fact(
                "accounts.groups",
                account.groups.isEmpty ? strings("accounts.no_groups") : account.groups.joined(separator: ", ")),
            fact(
                "accounts.revealable",
                strings(account.allowsRevealableKeys ? "accounts.revealable_yes" : "accounts.revealable_no"),
                strings("accounts.policy_whose")),
            fact("accounts.rotation", strings.count("key.days", days, shown: formats.number(days))),
            fact("applications.created", formats.exact(account.createdAt)),
        ]
            + (account.closedAt.map { [fact("accounts.closed", formats.exact($0))] } ?? [])
    }
}
