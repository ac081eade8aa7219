import Catalog
import Database
import Management
import Metering
import Values

/// Every entry of the ledger that the filter lets through, their sums, and why each charge is what it is.
struct LedgerSection: View {
    struct Row: View {
        let id: String
        let time: Moment
        let kind: String
        /// Of a charge.
        let door: Door?
        let key: String?
        let hint: String?
        let model: String?
        /// Of a grant or a correction: the reason that was given.
        let reason: String?
        let amount: String
        let isUp: Bool
        /// How to call the link to it.
        let ask: String
        let why: ChargeReason?
    }

    /// What the filters keep of the address.
    let kept: [Form.Carried]
    let choices: LedgerChoices
    /// The address without a filter; `nil` when there is none.
    let clearPath: String?
    let fault: String?
    let csvPath: String?
    let rows: [Row]
    let isEmpty: Bool
    let count: String
    let change: String
    /// What the change is made of.
    let parts: String?
    let nextPath: String?
    let firstPath: String?
}

/// Why a charge is what it is: the price of a call, times the multiplier of its group.
struct ChargeReason: View {
    let id: String
    let backPath: String
    let price: String
    let priceName: String
    let priceSince: String?
    let group: String
    let multiplier: String
    let multiplierSince: String?
    let charged: String
    /// It was rounded up to a millionth.
    let isRounded: Bool
    let charge: String
    let priceVersion: String
    let groupVersion: String

    init?(_ entry: LedgerEntry, _ strings: Strings, _ formats: Formats) {
        guard let call = entry.call, let price = call.price, let multiplier = call.multiplier else { return nil }
        id = "why-\(entry.id)"
        backPath = "#entry-\(entry.id)"
        self.price = formats.credits(price.price.credits)
        priceName = call.subject.model
        priceSince = Self.since(price.effectiveAt, strings, formats)
        group = strings("ledger.group", ["group": multiplier.group])
        self.multiplier = multiplier.multiplier.decimal
        multiplierSince = Self.since(multiplier.effectiveAt, strings, formats)
        charged = formats.credits(entry.amount)
        let product = price.price.credits.micro.multipliedFullWidth(by: multiplier.multiplier.millionths)
        isRounded = Int64(1_000_000).dividingFullWidth(product).remainder != 0
        charge = entry.id.description
        priceVersion = price.id.description
        groupVersion = multiplier.id.description
    }

    /// `nil` for what was so from the beginning.
    private static func since(_ time: Timestamp, _ strings: Strings, _ formats: Formats) -> String? {
        time.microseconds <= 0 ? nil : strings("ledger.since", ["date": formats.date(time)])
    }
}

extension Visit {
    /// - Parameter names: those that the page has found so far.
    func ledger(_ address: UsageAddress, _ models: [ModelOffer], _ names: inout Names) async throws -> LedgerSection {
        let filter = address.filter
        try await names.find(
            applications: [filter.application].compactMap { $0 }, keys: [filter.key].compactMap { $0 }, self)
        let choices = LedgerChoices(filter, in: address.month, models.map(\.model.name), names, self)
        let kept = address.kept.compactMap { name, value in value.map { Form.Carried(name: name, value: $0) } }
        let clearPath =
            filter.isEmpty ? nil : address.path(to: "ledger") { ($0.filter, $0.after) = (LedgerChoice(), nil) }
        guard let days = filter.days(in: address.month) else {
            return LedgerSection(
                kept: kept, choices: choices, clearPath: clearPath, fault: strings("filter.fault"), csvPath: nil,
                rows: [], isEmpty: false, count: "", change: "", parts: nil, nextPath: nil, firstPath: nil)
        }
        let (entries, totals) = try await management.listLedger(
            caller, filter.question(days, of: address.account), Page(after: address.after))
        try await names.find(
            applications: entries.items.compactMap { $0.call?.subject.application },
            keys: entries.items.compactMap { $0.call?.subject.credential }, self)
        let rows = entries.items.map { row($0, names) }
        return LedgerSection(
            kept: kept, choices: choices, clearPath: clearPath, fault: nil,
            csvPath: filter.csvPath(days, of: address.account), rows: rows,
            isEmpty: totals.entries == 0,
            count: totals.entries.map {
                strings.count("ledger.entries", Int($0), shown: formats.number(Int($0)))
            } ?? strings("ledger.too_large"),
            change: totals.change.map(formats.signed) ?? strings("ledger.too_large"), parts: parts(totals),
            nextPath: entries.next.map { next in address.path(to: "ledger") { $0.after = next } },
            firstPath: address.after == nil ? nil : address.path(to: "ledger") { $0.after = nil })
    }

    /// `nil` where nothing was moved.
    private func parts(_ totals: LedgerTotals) -> String? {
        let all = [
            ("ledger.granted", totals.granted), ("ledger.adjusted", totals.adjusted),
            ("ledger.charged", totals.charged),
        ]
        let parts = all.compactMap { key, amount in
            amount.flatMap { $0 == .zero ? nil : strings(key, ["credits": formats.credits($0)]) }
        }
        return parts.isEmpty ? nil : parts.joined(separator: " · ")
    }

    private func row(_ entry: LedgerEntry, _ names: Names) -> LedgerSection.Row {
        let isCharge = entry.kind == .charge
        let key = entry.call.map { names.key($0.subject.credential) }
        let amount = isCharge ? Credits.zero.subtracting(entry.amount) ?? .zero : entry.amount
        return LedgerSection.Row(
            id: "entry-\(entry.id)", time: formats.toSecond(entry.createdAt),
            kind: strings("ledger.\(entry.kind.rawValue)"),
            door: entry.call.map { Door(names.application($0.subject.application).text) }, key: key?.text,
            hint: key?.hint, model: entry.call?.subject.model, reason: entry.reason, amount: formats.signed(amount),
            isUp: amount.micro > 0, ask: strings("ledger.why", ["credits": formats.credits(entry.amount)]),
            why: ChargeReason(entry, strings, formats))
    }
}
