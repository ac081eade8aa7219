import Accounts
import Database
import Hummingbird
import Management
import Metering
import Policy
import Values
import Web

/// All accounts of the deployment, for who operates it: the newest first.
struct AccountsPage: View {
    struct Row: View {
        let id: String
        let path: String
        let editPath: String
        let name: String
        let isOwn: Bool
        let isNew: Bool
        let isOpen: Bool
        let status: Status
        let balance: String
        /// What calls under way may cost; `nil` where there are none.
        let held: String?
        let cap: String
        let group: String
        /// The others that its keys may choose, in words.
        let more: String?
        let created: Moment
    }

    let rows: [Row]
    let firstPath: String?
    let nextPath: String?
    /// On a page that nothing is left of.
    let isEmpty: Bool
}

extension Console {
    func declareAccounts(_ routes: inout Routes) {
        page(&routes, "/accounts", for: .listAccounts) { visit in
            try await visit.page("accounts", try await visit.accounts(), in: .accounts)
        }
        declareAccountForms(&routes)
        declareAccountOverview(&routes)
        declareAccountCredits(&routes)
        declareAccountStops(&routes)
        declareAccountPeople(&routes)
    }

    static let accountsPath = "/console/accounts"
}

extension Visit {
    fileprivate func accounts() async throws -> AccountsPage {
        let after = query("after").flatMap { Identifier($0) }
        let listing = try await management.listAccounts(caller, Page(after: after))
        let marked = Flash(request.headers)?.id
        let rows = listing.items.map { row($0, isNew: $0.account.id == marked) }
        return AccountsPage(
            rows: rows, firstPath: after == nil ? nil : Console.accountsPath,
            nextPath: listing.next.map { "\(Console.accountsPath)?after=\($0)" }, isEmpty: rows.isEmpty)
    }

    private func row(_ details: AccountDetails, isNew: Bool) -> AccountsPage.Row {
        let (account, balance) = (details.account, details.balance)
        let path = "\(Console.accountsPath)/\(account.id)"
        return AccountsPage.Row(
            id: "account-\(account.id)", path: path, editPath: path + "/edit", name: account.name,
            isOwn: account.id == caller.actor?.account, isNew: isNew, isOpen: account.closedAt == nil,
            status: status(of: details), balance: formats.credits(balance.amount), held: held(balance.usage.held),
            cap: strings("accounts.at_most", ["count": formats.number(account.cap.value)]),
            group: account.defaultGroup,
            more: account.groups.isEmpty
                ? nil
                : strings.count(
                    "applications.more_models", account.groups.count, shown: formats.number(account.groups.count)),
            created: formats.moment(account.createdAt))
    }

    private func held(_ amount: Credits) -> String? {
        amount > .zero ? strings("accounts.held", ["credits": formats.credits(amount)]) : nil
    }

    /// Whether its keys open anything, and why not.
    func status(of details: AccountDetails) -> Status {
        let account = details.account
        if let end = account.closedAt {
            return Status(
                .off, .expired, strings("accounts.closed"),
                reason: strings("accounts.since", ["date": formats.date(end)]))
        }
        if account.isSuspended {
            return Status(.off, .hand, strings("accounts.suspended"), reason: strings("accounts.suspended_why"))
        }
        let isSpent = details.balance.amount == .zero
        return Status(
            .good, .active, strings("accounts.active"), reason: isSpent ? strings("accounts.spent") : nil,
            reasonTone: isSpent ? .warn : nil)
    }
}
