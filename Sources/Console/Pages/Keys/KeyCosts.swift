import Accounts
import Applications
import Catalog
import Credentials
import Database
import Management
import Policy
import Values

import struct Applications.Application

/// What a call of each key costs: the price of the app's own model, times the multiplier of the key's group.
struct KeyCosts: Sendable {
    private let offers: [String: ModelOffer]
    private let multipliers: [String: Multiplier]
    /// The pricing groups that a key of the account may choose, with their multipliers.
    let groups: [GroupDetails]
    let defaultGroup: String
    private let usable: Set<String>

    init(_ visit: Visit) async throws {
        let models = try await visit.management.listModels(visit.caller, Page(limit: Page.limits.upperBound)).items
        offers = Dictionary(models.map { ($0.model.name, $0) }, uniquingKeysWith: { one, _ in one })
        let account = try await visit.management.getAccount(visit.caller, try visit.account()).account
        (defaultGroup, usable) = (account.defaultGroup, account.usableGroups)
        let listed = try await visit.management.listGroups(visit.caller, limit: Page.limits.upperBound, after: nil)
        groups = listed.items.filter { [usable] in usable.contains($0.group.name) }
        multipliers = Dictionary(
            groups.compactMap { details in details.multiplier.map { (details.group.name, $0) } },
            uniquingKeysWith: { one, _ in one })
    }

    var models: [String] { offers.keys.sorted() }

    /// Of the app's own model, before the multiplier of a group; `nil` where there is none.
    func price(in application: Application?) -> Credits? {
        application.flatMap { offers[$0.chat.model]?.price?.credits }
    }

    /// `nil` where there is no price.
    func cost(in application: Application?, group: String? = nil) -> Credits? {
        guard let application, let price = offers[application.chat.model]?.price,
            let multiplier = multipliers[group.map { usable.contains($0) ? $0 : defaultGroup } ?? defaultGroup]
        else { return nil }
        return price.cost(multiplier)
    }

    /// How many calls an amount pays for.
    static func calls(for amount: Credits, at cost: Credits?) -> Int? {
        guard let cost, cost > .zero else { return nil }
        return amount > .zero ? Int(amount.micro / cost.micro) : 0
    }
}
