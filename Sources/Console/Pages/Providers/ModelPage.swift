import Catalog
import Database
import Hummingbird
import Management
import Values
import Web

/// One model: what a call costs, has cost and will cost.
struct ModelPage: View {
    struct Version: View {
        let id: String
        let from: Moment
        let price: String
        /// What an app in the group that every account begins in pays; `nil` for what is over.
        let cost: String?
        let status: Status
        /// `nil` for what has begun, which stays.
        let withdrawPath: String?
        /// The time, for who hears the page.
        let withdrawName: String
        let isNew: Bool
    }

    let name: String
    let lead: Rich
    let provider: String
    let providerPath: String
    let pricePath: String
    let deletePath: String
    let upstreamName: String
    let messages: String
    let created: Moment
    let costHead: String
    let versions: [Version]
    let nextPath: String?
}

extension Console {
    func declareModelPage(_ routes: inout Routes) {
        page(&routes, "/models/{model_id}", for: .listPrices) { visit in
            let model = try await visit.model()
            let provider = try await management.getProvider(visit.caller, model.provider)
            let after = visit.query("after").flatMap { Identifier($0) }
            let listing = try await management.listPrices(visit.caller, of: model.id, Page(after: after))
            let group = try await visit.standardGroup()
            let (strings, formats) = (visit.strings, visit.formats)
            let marked = Flash(visit.request.headers)?.id
            let path = "/console/models/\(model.id)"
            let view = ModelPage(
                name: model.name, lead: visit.lead(of: model, group), provider: provider.name,
                providerPath: "/console/providers/\(provider.id)", pricePath: path + "/prices/new",
                deletePath: path + "/delete", upstreamName: model.upstreamName,
                messages: strings("model.messages_\(model.systemMessages.rawValue)"),
                created: formats.moment(model.createdAt),
                costHead: strings("model.cost_head", ["group": group.group.name]),
                versions: listing.items.map { visit.shown($0, of: model, group, isNew: $0.id == marked) },
                nextPath: listing.next.map { "\(path)?after=\($0)" })
            return try await visit.page("model", view, in: .providers)
        }
    }
}

extension Visit {
    /// What a call costs now, and what an app in the group pays for it.
    fileprivate func lead(of model: Model, _ group: GroupDetails) -> Rich {
        guard let price = model.price(at: formats.now), let cost = cost(price, group, at: formats.now) else {
            return strings.rich("model.lead_none")
        }
        return strings.rich(
            "model.lead",
            ["credits": formats.credits(price.price.credits), "cost": cost, "group": group.group.name])
    }

    fileprivate func shown(
        _ version: PriceVersion, of model: Model, _ group: GroupDetails, isNew: Bool
    ) -> ModelPage.Version {
        let isToCome = model.prices.isToCome(version, at: formats.now)
        let isNow = model.price(at: formats.now)?.id == version.id
        return ModelPage.Version(
            id: "price-\(version.id)", from: formats.exactly(version.effectiveAt),
            price: formats.credits(version.price.credits),
            cost: isNow || isToCome ? cost(version, group, at: max(formats.now, version.effectiveAt)) : nil,
            status: isToCome
                ? Status(.warn, .month, strings("price.to_come"))
                : isNow ? Status(.good, .active, strings("price.now")) : Status(.off, .expired, strings("price.over")),
            withdrawPath: isToCome ? "/console/models/\(model.id)/prices/\(version.id)/delete" : nil,
            withdrawName: formats.exact(version.effectiveAt), isNew: isNew)
    }
}
