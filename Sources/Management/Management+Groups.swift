import Accounts
package import Catalog
package import Database
package import Metering
package import Values

/// What the calls of some days would have cost under another multiplier.
package struct MultiplierPreview: Sendable {
    package let group: PricingGroup
    package let draft: Multiplier
    package let days: ClosedRange<Day>
    package let preview: PricingPreview
    /// What they would have cost more, or less.
    package let difference: Credits
}

extension Management {
    /// By name. To a tenant there are only the groups that the account may use.
    /// - Returns: up to `limit`, and the name that the next page begins after.
    package func listGroups(
        _ caller: Caller, limit: Int, after: GroupName?
    ) async throws(Refusal) -> (items: [GroupDetails], next: String?) {
        try await perform(.listGroups, caller) { domains, actor in
            let usable =
                actor.user.isAdmin ? nil : try await domains.accounts.account(actor.account).usableGroups
            let groups = try await domains.catalog.groups(usable: usable, after: after?.text ?? "", limit: limit + 1)
            let now = domains.clock.now()
            return (
                groups.prefix(limit).map { GroupDetails($0, at: now) },
                groups.count > limit ? groups[limit - 1].name : nil
            )
        }
    }

    package func createGroup(
        _ caller: Caller, _ name: GroupName, _ multiplier: Multiplier
    ) async throws(Refusal) -> GroupDetails {
        try await perform(.createGroup, caller) { domains, _ in
            let group = try await domains.catalog.createGroup(name, multiplier, by: caller.author)
            return GroupDetails(group, at: group.createdAt)
        }
    }

    package func getGroup(_ caller: Caller, _ name: GroupName) async throws(Refusal) -> GroupDetails {
        try await perform(.getGroup, caller) { domains, _ in
            GroupDetails(try await domains.catalog.group(name.text), at: domains.clock.now())
        }
    }

    package func updateGroup(
        _ caller: Caller, _ name: GroupName, isRetired: Bool
    ) async throws(Refusal) -> GroupDetails {
        try await perform(.updateGroup, caller) { domains, _ in
            GroupDetails(
                try await domains.catalog.retireGroup(name.text, isRetired, by: caller.author),
                at: domains.clock.now())
        }
    }

    package func listMultipliers(
        _ caller: Caller, of group: GroupName, _ page: Page
    ) async throws(Refusal) -> Listing<MultiplierVersion> {
        try await perform(.listMultipliers, caller) { domains, _ in
            try await domains.catalog.multipliers(of: group.text, page)
        }
    }

    package func createMultiplier(
        _ caller: Caller, _ multiplier: Multiplier, of group: GroupName, effectiveAt: Timestamp?
    ) async throws(Refusal) -> MultiplierVersion {
        try await perform(.createMultiplier, caller) { domains, _ in
            try await domains.catalog.addMultiplier(
                multiplier, of: group.text, effectiveAt: effectiveAt, by: caller.author)
        }
    }

    package func deleteMultiplier(
        _ caller: Caller, _ id: Identifier, of group: GroupName
    ) async throws(Refusal) {
        try await perform(.deleteMultiplier, caller) { domains, _ in
            try await domains.catalog.withdrawMultiplier(id, of: group.text, by: caller.author)
        }
    }

    /// Over how many days back from today a preview may go.
    package static let previewDays = 1...366

    package func previewMultiplier(
        _ caller: Caller, _ draft: Multiplier, of name: GroupName, days: Int
    ) async throws(Refusal) -> MultiplierPreview {
        try await perform(.previewMultiplier, caller) { domains, _ in
            guard Self.previewDays.contains(days) else {
                throw Refusal.invalid(
                    "days",
                    "must be a whole number from \(Self.previewDays.lowerBound) to \(Self.previewDays.upperBound)")
            }
            let group = try await domains.catalog.group(name.text)
            let today = Day(of: domains.clock.now())
            let range = Day(number: today.number - Int64(days) + 1)...today
            let preview = try await domains.metering.preview(group: group.name, draft, days: range)
            guard let difference = preview.total.wouldBe.subtracting(preview.total.charged) else {
                throw MeteringError.balanceTooLarge
            }
            return MultiplierPreview(
                group: group, draft: draft, days: range, preview: preview, difference: difference)
        }
    }
}

/// A pricing group with the multiplier that is in effect.
package struct GroupDetails: Sendable {
    package let group: PricingGroup
    package let multiplier: Multiplier?

    init(_ group: PricingGroup, at now: Timestamp) {
        self.group = group
        multiplier = group.multiplier(at: now)?.multiplier
    }
}
