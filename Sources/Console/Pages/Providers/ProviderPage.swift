import Catalog
import Database
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

/// One provider: where it is, whether it can be reached, and the models that it serves.
struct ProviderPage: View {
    struct Row: View {
        let id: String
        let name: String
        let path: String
        /// What the provider calls it, where that is another name.
        let upstreamName: String?
        let price: String
        /// What an app in the group that every account begins in pays.
        let cost: String?
        /// The next price, with its time.
        let next: String?
        let deletePath: String
        let isNew: Bool
    }

    let id: String
    let name: String
    let lead: String
    let path: String
    let kind: String
    let address: String?
    let secret: String
    let created: Moment
    let updated: Moment
    let rows: [Row]
    let hasRows: Bool
    let costHead: String
    let nextPath: String?
    let found: ProviderFound?
    let failure: String?
}

extension Console {
    func declareProviderPage(_ routes: inout Routes) {
        page(&routes, "/providers/{provider_id}", for: .getProvider) { visit in
            try await visit.providerPage(try await visit.provider())
        }

        // What came of a test is shown in the answer to its form. Whoever comes back to that address finds the provider.
        page(&routes, "/providers/{provider_id}/test", for: .getProvider) { visit in
            visit.see("/console/providers/\(try visit.identifier("provider_id"))")
        }

        form(&routes, "/providers/{provider_id}/test", for: .testProvider) { visit, form in
            var form = form
            let provider = try await visit.provider()
            do {
                let found = try await management.testProvider(visit.caller, provider.id)
                return try await visit.providerPage(provider, found: found)
            } catch let refusal as Refusal where refusal.code == .tooManyTests {
                form.note(refusal)
                return try await visit.providerPage(provider, form, status: refusal.problem.status)
            }
        }
    }
}

extension Visit {
    /// - Parameter found: what came of a test, just now.
    fileprivate func providerPage(
        _ provider: Provider, _ form: Form? = nil, found: ProviderTest? = nil, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let after = query("after").flatMap { Identifier($0) }
        let models = try await management.listModels(caller, of: provider.id, Page(after: after))
        let group = try await standardGroup()
        let marked = Flash(request.headers)?.id
        let path = "/console/providers/\(provider.id)"
        let view = ProviderPage(
            id: provider.id.description, name: provider.name, lead: strings("provider.lead_\(provider.kind.rawValue)"),
            path: path, kind: strings("provider.kind_\(provider.kind.rawValue)"), address: provider.baseURL?.text,
            secret: secret(of: provider),
            created: formats.moment(provider.createdAt), updated: formats.moment(provider.updatedAt),
            rows: models.items.map { row($0.model, group, isNew: $0.model.id == marked) },
            hasRows: !models.items.isEmpty, costHead: strings("model.cost_head", ["group": PricingGroup.standard]),
            nextPath: models.next.map { "\(path)?after=\($0)" },
            found: found.map { ProviderFound($0, strings, formats) }, failure: form?.failure)
        return try await page("provider", view, in: .providers, status: status)
    }

    private func row(_ model: Model, _ group: GroupDetails, isNew: Bool) -> ProviderPage.Row {
        let price = model.price(at: formats.now)
        let next = model.prices.first { $0.effectiveAt > formats.now && $0.id != price?.id }
        return ProviderPage.Row(
            id: "model-\(model.id)", name: model.name, path: "/console/models/\(model.id)",
            upstreamName: model.upstreamName == model.name ? nil : model.upstreamName,
            price: price.map { formats.credits($0.price.credits) } ?? "",
            cost: price.flatMap { cost($0, group, at: formats.now) },
            next: next.map { version in
                strings(
                    "model.next",
                    ["credits": formats.credits(version.price.credits), "time": formats.exact(version.effectiveAt)])
            },
            deletePath: "/console/models/\(model.id)/delete", isNew: isNew)
    }

    /// The group that every account begins in.
    func standardGroup() async throws -> GroupDetails {
        guard let name = GroupName(PricingGroup.standard) else { preconditionFailure("it is a name") }
        return try await management.getGroup(caller, name)
    }

    /// What a call at a price costs in a group at a time.
    func cost(_ version: PriceVersion, _ group: GroupDetails, at time: Timestamp) -> String? {
        group.group.multiplier(at: time).map { formats.credits(version.price.cost($0.multiplier)) }
    }
}
