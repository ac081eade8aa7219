import Catalog
import Database
import Hummingbird
import Management
import Values
import Web

/// The upstreams of the deployment, for its admins.
struct ProvidersPage: View {
    struct Row: View {
        let id: String
        let name: String
        let path: String
        let kind: String
        /// `nil` for the built-in one.
        let address: String?
        let secret: String
        let created: Moment
        let isNew: Bool
    }

    let rows: [Row]
    let isEmpty: Bool
    /// Where the next page of the list is.
    let nextPath: String?
}

extension Console {
    func declareProviders(_ routes: inout Routes) {
        page(&routes, "/providers", for: .listProviders) { visit in
            let after = visit.query("after").flatMap { Identifier($0) }
            let listing = try await management.listProviders(visit.caller, Page(after: after))
            let marked = Flash(visit.request.headers)?.id
            let view = ProvidersPage(
                rows: listing.items.map { visit.row($0, isNew: $0.id == marked) },
                isEmpty: listing.items.isEmpty && after == nil,
                nextPath: listing.next.map { "/console/providers?after=\($0)" })
            return try await visit.page("providers", view, in: .providers)
        }
        declareProviderForms(&routes)
        declareProviderPage(&routes)
        declareModelForms(&routes)
        declareModelPage(&routes)
        declarePriceForms(&routes)
    }
}

extension Visit {
    fileprivate func row(_ provider: Provider, isNew: Bool) -> ProvidersPage.Row {
        ProvidersPage.Row(
            id: "provider-\(provider.id)", name: provider.name, path: "/console/providers/\(provider.id)",
            kind: strings("provider.kind_\(provider.kind.rawValue)"), address: provider.baseURL?.text,
            secret: secret(of: provider), created: formats.moment(provider.createdAt), isNew: isNew)
    }

    /// Whether its credential is stored; which one it is, no page says.
    func secret(of provider: Provider) -> String {
        if provider.kind == .echo { return strings("provider.needs_no_secret") }
        return strings(provider.hasSecret ? "provider.has_secret" : "provider.has_no_secret")
    }

    /// The provider that the address names.
    func provider() async throws -> Provider {
        try await management.getProvider(caller, identifier("provider_id"))
    }
}
