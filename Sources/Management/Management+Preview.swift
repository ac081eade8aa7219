import Accounts
package import Catalog
package import Metering
package import Values

/// Which calls a preview is of.
package enum PreviewSpan: Sendable, Equatable {
    /// So many UTC days up to and with today; see ``dayCounts``.
    case days(Int)
    /// One UTC month, of the one that is now up to and with today.
    case month(Month)

    /// Over how many days back from today a preview may go.
    package static let dayCounts = 1...366

    fileprivate func days(at now: Timestamp) throws(Refusal) -> ClosedRange<Day> {
        let today = Day(of: now)
        switch self {
        case .days(let count):
            let bounds = Self.dayCounts
            guard bounds.contains(count) else {
                throw .invalid(
                    "days", "must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
            }
            return Day(number: today.number - Int64(count) + 1)...today
        case .month(let month):
            guard month <= today.month, let first = Day(month.text + "-01"),
                let next = Day(Month(number: month.number + 1).text + "-01")
            else { throw .invalid("month", "must be this month or an earlier one, such as \(today.month.text)") }
            return first...min(today, Day(number: next.number - 1))
        }
    }
}

/// What the calls of some days would have cost under another multiplier.
package struct MultiplierPreview: Sendable {
    package let group: PricingGroup
    /// The multiplier that is in effect.
    package let current: Multiplier
    package let draft: Multiplier
    /// When the draft would begin; `nil` for now.
    package let effectiveAt: Timestamp?
    package let days: ClosedRange<Day>
    package let preview: PricingPreview
    /// What they would have cost more, or less.
    package let difference: Credits
    /// What the accounts of the preview are called.
    package let names: [Identifier: String]
    package let basis: PreviewBasis
}

/// What somebody has seen who looked at the preview of a multiplier: the multipliers of the group, which of them was in
/// effect, and the draft with its beginning.
package struct PreviewBasis: FieldText, Hashable {
    package static let rule = "must be the basis of a preview, 16 hexadecimal digits"
    package let text: String

    package init?(_ text: String) {
        guard text.utf8.count == 16, text.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else { return nil }
        self.text = text
    }

    /// - Parameter effectiveAt: when the draft begins; `nil` for now.
    init(of draft: Multiplier, effectiveAt: Timestamp?, _ group: PricingGroup, at now: Timestamp) {
        let versions = group.multipliers.map(\.id.description).joined(separator: " ")
        let current = group.multiplier(at: now)?.id.description ?? ""
        text =
            CursorMark(
                [group.name, versions, current, draft.decimal, effectiveAt?.rfc3339 ?? "now"].map { Text($0) }
            ).text
    }
}

extension Management {
    /// What the charges of a group would have been under another multiplier. Changes nothing.
    /// - Parameter effectiveAt: when the draft would begin, which has to be possible; `nil` for now.
    package func previewMultiplier(
        _ caller: Caller, _ draft: Multiplier, of name: GroupName, over span: PreviewSpan,
        effectiveAt: Timestamp? = nil
    ) async throws(Refusal) -> MultiplierPreview {
        try await perform(.previewMultiplier, caller) { domains, _ in
            let now = domains.clock.now()
            let days = try span.days(at: now)
            let group = try await domains.catalog.group(name.text)
            if effectiveAt.isExpired(at: now) { throw CatalogError.effectiveInPast }
            if group.multipliers.contains(where: { $0.effectiveAt == effectiveAt }) { throw CatalogError.versionExists }
            let preview = try await domains.metering.preview(group: group.name, draft, days: days)
            guard let difference = preview.total.wouldBe.subtracting(preview.total.charged) else {
                throw MeteringError.balanceTooLarge
            }
            return MultiplierPreview(
                group: group, current: group.multiplier(at: now)?.multiplier ?? draft, draft: draft,
                effectiveAt: effectiveAt, days: days, preview: preview, difference: difference,
                names: try await domains.accounts.names(of: preview.accounts.map(\.account)),
                basis: PreviewBasis(of: draft, effectiveAt: effectiveAt, group, at: now))
        }
    }
}
