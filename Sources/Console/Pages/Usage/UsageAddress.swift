import Accounts
import Catalog
import HTTP
import Management
import Metering
import Values

/// What the address of the usage page asks for: everything that a person chose there, so that it can be kept and sent on.
struct UsageAddress: Sendable {
    static let path = "/console/usage"

    /// Another account than the person's own.
    let account: Identifier?
    var month: Month
    var by = UsageShares.Kind.application
    /// What the ledger is narrowed to.
    var filter = LedgerChoice()
    /// The last entry of the page of the ledger before.
    var after: Identifier?

    private let now: Month

    init(_ visit: Visit) throws {
        account = try visit.otherAccount()
        now = Month(of: visit.formats.now)
        let (now, asked) = (now, visit.query("month").flatMap { Day($0.string + "-01") }?.month)
        // What is to come has no usage, and what is older than any report is not reported.
        month = asked.map { max(Month(number: now.number - 1200), min($0, now)) } ?? now
        by = visit.query("by").flatMap { UsageShares.Kind(rawValue: $0.string) } ?? .application
        var address = Address(visit)
        after = address.choice("after") { Identifier($0) }
        filter = LedgerChoice(&address)
    }

    var isThisMonth: Bool { month == now }

    /// The month before, this one, and the one after where there is one.
    var months: [Month] {
        (month.number - 1...min(month.number + 1, now.number)).map { Month(number: $0) }
    }

    /// The address of the same page with something changed. What is as it would be anyway is left out.
    /// - Parameter part: the part of the page to go to.
    func path(to part: String? = nil, _ change: (inout UsageAddress) -> Void = { _ in }) -> String {
        var other = self
        change(&other)
        return Address.path(
            Self.path, other.kept + other.filter.pairs + [("after", other.after?.description)], to: part)
    }

    /// What a filter of the ledger keeps.
    var kept: [(String, String?)] {
        [
            (Self.accountName, account?.description),
            ("month", month == now ? nil : month.text),
            ("by", by == .application ? nil : by.rawValue),
        ]
    }

    /// Of the other account, in an address.
    static let accountName = "account_id"
}

extension Visit {
    /// The account that the address names, where it is not the person's own.
    func otherAccount() throws -> Identifier? {
        guard let text = query(UsageAddress.accountName), !text.isEmpty else { return nil }
        guard let id = Identifier(text) else { throw Problem.notFound }
        return id == caller.actor?.account ? nil : id
    }
}
