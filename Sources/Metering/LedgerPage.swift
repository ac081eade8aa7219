import Catalog
import Database
import Values

/// One page of the ledger, the newest entries first: grants and adjustments, charges by the index of the account, and those
/// that are not folded yet.
struct LedgerPage {
    /// Under a filter that hardly anything may pass, a page looks through so many charges at most, or it would read a ledger
    /// of millions.
    static let window = 10_000

    let listing: Listing<LedgerEntry>

    init(_ filter: LedgerFilter, _ page: Page, _ connection: Connection) throws {
        let ahead = try FoldTable.mark(connection).ahead
        var search = LedgerSearch(filter, LedgerSpan(filter.times, ahead: ahead), page)
        var end: Int64?
        var entries: [LedgerEntry] = []
        if filter.hasCharges {
            // Where numbers may be ahead of their times, many of other times may be at both ends.
            let isLoose = ahead > 0 && (filter.from != nil || filter.until != nil)
            if filter.isOfCalls || isLoose {
                search.chargeTop = try search.newest(ahead: ahead, connection)
                end = try search.endOfWindow(Self.window, connection)
                search.least = end ?? search.least
            }
            entries += try search.charges(connection)
            entries += try search.unfolded(connection)
        }
        if filter.hasCorrections { entries += try search.corrections(connection) }
        let fetched = entries.sorted { $0.id > $1.id }.prefix(page.fetch)
        let listing = Listing(try Self.priced(Array(fetched), connection), page, id: \.id)
        self.listing =
            listing.next == nil ? Listing(listing.items, next: end.map { Identifier(number: $0) }) : listing
    }

    /// A page has many charges and few prices.
    private static func priced(_ entries: [LedgerEntry], _ connection: Connection) throws -> [LedgerEntry] {
        var prices: [Identifier: PriceVersion] = [:]
        var multipliers: [Identifier: MultiplierVersion] = [:]
        return try entries.map { entry in
            guard var call = entry.call else { return entry }
            let (price, multiplier) = (call.subject.priceVersion, call.subject.multiplierVersion)
            prices[price] = try prices[price] ?? Catalog.price(price, in: connection)
            multipliers[multiplier] = try multipliers[multiplier] ?? Catalog.multiplier(multiplier, in: connection)
            call.price = prices[price]
            call.multiplier = multipliers[multiplier]
            var priced = entry
            priced.call = call
            return priced
        }
    }
}
