import Accounts
package import Catalog
import Credentials
package import Database
package import Values

extension Management {
    /// By name. To a tenant there are only the groups that the account may use.
    /// - Parameter isCounted: whether operators are told who uses them.
    /// - Returns: up to `limit`, and the name that the next page begins after.
    package func listGroups(
        _ caller: Caller, limit: Int, after: GroupName?, isCounted: Bool = false
    ) async throws(Refusal) -> (items: [GroupDetails], next: String?) {
        try await perform(.listGroups, caller) { domains, actor in
            let isOperator = actor.user.isAdmin
            let usable = isOperator ? nil : try await domains.accounts.account(actor.account).usableGroups
            let groups = try await domains.catalog.groups(usable: usable, after: after?.text ?? "", limit: limit + 1)
            let shown = Array(groups.prefix(limit))
            let uses = isCounted && isOperator ? try await domains.uses(of: shown) : [:]
            let now = domains.clock.now()
            return (
                shown.map { GroupDetails($0, at: now, isForOperator: isOperator, use: uses[$0.name]) },
                groups.count > limit ? groups[limit - 1].name : nil
            )
        }
    }

    package func createGroup(
        _ caller: Caller, _ name: GroupName, _ multiplier: Multiplier
    ) async throws(Refusal) -> GroupDetails {
        try await perform(.createGroup, caller) { domains, _ in
            try await domains.details(
                of: try await domains.catalog.createGroup(name, multiplier, by: caller.author))
        }
    }

    package func getGroup(_ caller: Caller, _ name: GroupName) async throws(Refusal) -> GroupDetails {
        try await perform(.getGroup, caller) { domains, _ in
            try await domains.details(of: try await domains.catalog.group(name.text))
        }
    }

    package func updateGroup(
        _ caller: Caller, _ name: GroupName, isRetired: Bool
    ) async throws(Refusal) -> GroupDetails {
        try await perform(.updateGroup, caller) { domains, _ in
            try await domains.details(
                of: try await domains.catalog.retireGroup(name.text, isRetired, by: caller.author))
        }
    }

    package func listMultipliers(
        _ caller: Caller, of group: GroupName, _ page: Page
    ) async throws(Refusal) -> Listing<MultiplierVersion> {
        try await perform(.listMultipliers, caller) { domains, _ in
            try await domains.catalog.multipliers(of: group.text, page)
        }
    }

    /// - Parameters:
    ///   - effectiveAt: `nil` for now.
    ///   - basis: of the preview of this multiplier from this time on. It is refused when the group's multipliers are others by now; `nil`
    ///     asks for nothing.
    package func createMultiplier(
        _ caller: Caller, _ multiplier: Multiplier, of group: GroupName, effectiveAt: Timestamp?,
        basis: PreviewBasis? = nil
    ) async throws(Refusal) -> MultiplierVersion {
        try await perform(.createMultiplier, caller) { domains, _ in
            let now = domains.clock.now()
            return try await domains.catalog.addMultiplier(
                multiplier, of: group.text, effectiveAt: effectiveAt, by: caller.author
            ) { group in
                basis.map { $0 == PreviewBasis(of: multiplier, effectiveAt: effectiveAt, group, at: now) } ?? true
            }
        }
    }

    package func deleteMultiplier(
        _ caller: Caller, _ id: Identifier, of group: GroupName
    ) async throws(Refusal) {
        try await perform(.deleteMultiplier, caller) { domains, _ in
            try await domains.catalog.withdrawMultiplier(id, of: group.text, by: caller.author)
        }
    }
}

extension Management.Domains {
    fileprivate func details(of group: PricingGroup) async throws -> GroupDetails {
        GroupDetails(group, at: clock.now(), isForOperator: true, use: try await uses(of: [group])[group.name])
    }

    /// Who uses groups.
    fileprivate func uses(of groups: [PricingGroup]) async throws -> [String: GroupUse] {
        let names = groups.map(\.name)
        let accounts = try await accounts.counts(in: names, atMost: GroupUse.most)
        let keys = try await credentials.counts(in: names, atMost: GroupUse.most)
        return Dictionary(
            names.map { ($0, GroupUse(accounts: accounts[$0] ?? 0, keys: keys[$0] ?? 0)) }, uniquingKeysWith: { $1 })
    }
}

/// Who uses a pricing group.
package struct GroupUse: Sendable, Equatable {
    /// Up to which is counted: as many stands for so many or more.
    package static let most = 10_000

    /// Open accounts that have it as their default.
    package let accounts: Int
    /// Keys that name it themselves.
    package let keys: Int
}

/// A pricing group with the multiplier that is in effect.
package struct GroupDetails: Sendable {
    package let group: PricingGroup
    package let multiplier: Multiplier?
    /// The multiplier that is in effect, as a version.
    package let version: MultiplierVersion?
    /// The one that comes next; `nil` for none.
    package let scheduled: MultiplierVersion?
    /// `nil` where it wasn't asked for.
    package let use: GroupUse?
    /// Who uses a group, and what is to come, is the operator's business.
    package let isForOperator: Bool

    init(_ group: PricingGroup, at now: Timestamp, isForOperator: Bool, use: GroupUse?) {
        self.group = group
        version = group.multiplier(at: now)
        multiplier = version?.multiplier
        scheduled = group.toCome(at: now).first
        self.use = use
        self.isForOperator = isForOperator
    }
}
