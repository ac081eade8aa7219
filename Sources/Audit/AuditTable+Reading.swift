import Database
import Values

extension AuditTable {
    /// Under a filter that hardly anything may pass, a page looks through so many entries at most.
    static let window = 10_000

    /// One page, the newest entries first. It may have fewer than its limit, even none, and a next one all the same.
    static func page(_ filter: AuditFilter, _ page: Page, _ connection: Connection) throws -> Listing<AuditEntry> {
        let span = try AuditSpan(filter, connection)
        let bound = min(page.bound, span.bound)
        var least = span.least
        var end: String?
        if filter.actor != nil && filter.action != nil || span.isLoose {
            end = try endOfWindow(filter, least, bound, connection)
            least = end ?? least
        }
        let rows = try connection.rows(
            statement(filter), filter.account?.description ?? "", filter.actor?.description ?? "",
            filter.action?.rawValue ?? "", bound, least, filter.from ?? .earliest, filter.until ?? .latest, page.fetch)
        let listing = Listing(try rows.map { try entry($0, connection) }, page, id: \.id)
        return listing.next == nil ? Listing(listing.items, next: end.flatMap { Identifier($0) }) : listing
    }

    /// The identifier of the entry with which a window ends, when there is more behind it.
    private static func endOfWindow(
        _ filter: AuditFilter, _ least: String, _ bound: String, _ connection: Connection
    ) throws -> String? {
        try connection.row(
            windowEnd(filter), filter.account?.description ?? "", filter.actor?.description ?? "",
            filter.action?.rawValue ?? "", bound, least, window - 1
        )?.text("id")
    }

    /// What is compared of accounts, actors and actions, so that one index leads through just those entries. There is none
    /// for an actor and an action together: the actor's does, and the action is looked at beside it.
    private static func condition(_ filter: AuditFilter, besideIndex action: String) -> String {
        let account = filter.account == nil ? "$1 = ''" : "account_id = $1"
        let actor = filter.actor == nil ? "$2 = ''" : "actor_id = $2"
        guard filter.action != nil else { return "\(account) AND \(actor) AND $3 = ''" }
        return "\(account) AND \(actor) AND \(filter.actor == nil ? "action = $3" : action)"
    }

    static func statement(_ filter: AuditFilter) -> String {
        let condition = condition(filter, besideIndex: "action || '' = $3")
        return """
            SELECT * FROM audit WHERE \(condition) AND id < $4 AND id >= $5 AND at >= $6 AND at < $7
            ORDER BY id DESC LIMIT $8
            """
    }

    /// Of the entries of the index, whatever else they are.
    static func windowEnd(_ filter: AuditFilter) -> String {
        let condition = condition(filter, besideIndex: "$3 = $3")
        return "SELECT id FROM audit WHERE \(condition) AND id < $4 AND id >= $5 ORDER BY id DESC LIMIT 1 OFFSET $6"
    }
}

/// Between which identifiers all entries of some times are. Not all that are there are of those times, when the clock was once
/// set back: an identifier never is behind its time, but may be ahead.
private struct AuditSpan {
    /// The least identifier.
    let least: String
    /// The first one that is too great, or a text that is greater than any.
    let bound: String
    /// Whether there may be many of other times in it.
    let isLoose: Bool

    init(_ filter: AuditFilter, _ connection: Connection) throws {
        least = filter.from.map(Self.first) ?? ""
        let ahead = try AuditTable.ahead(connection)
        isLoose = ahead > 0 && (filter.from != nil || filter.until != nil)
        guard let until = filter.until else {
            bound = "~"
            return
        }
        let end = until.adding(.microseconds(ahead + 999))
        bound = end < .latest ? Self.first(at: end) : "~"
    }

    /// The least identifier of the millisecond that a time is in.
    private static func first(at time: Timestamp) -> String { Identifier(at: time, random: (0, 0)).description }
}
