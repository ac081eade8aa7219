import Accounts
import Catalog
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Secrets
import Values
import Web

extension ManagementAPI {
    func declareCatalog(_ routes: inout Routes) {
        declareProviders(&routes)
        declareModels(&routes)
    }

    private func declareProviders(_ routes: inout Routes) {
        on(&routes, .get, "/providers", needs: .adminScope(.catalogRead), takesQuery: true) { call in
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            return try await catalog.providers(page).json(\.json)
        }

        on(&routes, .post, "/providers", needs: .scope(.catalogWrite)) { call in
            var fields = try await call.fields()
            let name: DisplayName = try fields.required("name")
            let kind: Provider.Kind = try fields.required("kind")
            let url: BaseURL? = try fields.optional("base_url")
            let secret: ProviderSecret? = try fields.optional("secret")
            try fields.noOthers(setByServer: Self.providerServerFields)
            let provider = try await catalog.createProvider(
                ProviderDraft(name: name, upstream: try Self.upstream(kind, url, secret)), by: call.author)
            return .json(provider.json, status: .created)
        }

        on(&routes, .get, "/providers/{provider_id}", needs: .adminScope(.catalogRead)) { call in
            .json(try await catalog.provider(call.identifier("provider_id")).json)
        }

        on(&routes, .patch, "/providers/{provider_id}", needs: .scope(.catalogWrite)) { call in
            let id = try call.identifier("provider_id")
            var fields = try await call.fields()
            let name: DisplayName? = try fields.settable("name")
            let url: BaseURL? = try fields.settable("base_url")
            let secret: SecretEdit<Secret> =
                switch try fields.edit("secret", as: ProviderSecret.self) {
                case .absent: .keep
                case .clear: .clear
                case .set(let value): .set(value.secret)
                }
            try fields.noOthers(setByServer: Self.providerServerFields.union(["kind"]))
            return .json(
                try await catalog.editProvider(
                    id, ProviderEdit(name: name, baseURL: url, secret: secret), by: call.author
                ).json)
        }

        on(&routes, .delete, "/providers/{provider_id}", needs: .scope(.catalogWrite)) { call in
            try await catalog.deleteProvider(call.identifier("provider_id"), by: call.author)
            return Response(status: .noContent)
        }
    }

    private func declareModels(_ routes: inout Routes) {
        on(&routes, .get, "/models", needs: .scope(.catalogRead), takesQuery: true) { call in
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            let isAdmin = call.actor.user.isAdmin
            let now = clock.now()
            let account = try await accounts.account(call.actor.account)
            let multiplier = try await catalog.group(account.defaultGroup).multiplier(at: now)
            return try await catalog.models(page).json { $0.json(forAdmin: isAdmin, at: now, multiplier) }
        }

        on(&routes, .post, "/models", needs: .scope(.catalogWrite)) { call in
            var fields = try await call.fields()
            let provider: Identifier = try fields.required("provider_id")
            let name: ModelName = try fields.required("name")
            let upstreamName: ModelName? = try fields.optional("upstream_name")
            let price = try fields.price("price", otherwise: .standard)
            try fields.noOthers(setByServer: ["id", "cost", "created_at"])
            let model = try await catalog.createModel(
                provider: provider, name: name, upstreamName: upstreamName, price: price, by: call.author)
            let account = try await accounts.account(call.actor.account)
            let now = clock.now()
            let multiplier = try await catalog.group(account.defaultGroup).multiplier(at: now)
            return .json(model.json(forAdmin: true, at: now, multiplier), status: .created)
        }

        on(&routes, .delete, "/models/{model_id}", needs: .scope(.catalogWrite)) { call in
            try await catalog.deleteModel(call.identifier("model_id"), by: call.author)
            return Response(status: .noContent)
        }
    }

    private static let providerServerFields: Set<String> = ["id", "has_secret", "created_at", "updated_at"]

    private static func upstream(
        _ kind: Provider.Kind, _ url: BaseURL?, _ secret: ProviderSecret?
    ) throws -> ProviderDraft.Upstream {
        switch kind {
        case .openai:
            guard let url else { throw Problem.invalid("base_url", "is required for a provider of kind openai") }
            return .openai(url, secret: secret?.secret)
        case .echo:
            if url != nil { throw CatalogError.echoTakesNo("base_url") }
            if secret != nil { throw CatalogError.echoTakesNo("secret") }
            return .echo
        }
    }
}

extension Provider.Kind: FieldText {
    package static let rule = "must be one of echo, openai"

    package init?(_ text: String) { self.init(rawValue: text) }
}

extension Provider {
    fileprivate var json: JSON {
        [
            "id": .string(id.description), "name": .string(name), "kind": .string(kind.rawValue),
            "base_url": JSON(baseURL?.text), "has_secret": .bool(hasSecret), "created_at": .string(createdAt.rfc3339),
            "updated_at": .string(updatedAt.rfc3339),
        ]
    }
}

extension Model {
    /// Where a model comes from is the operator's business.
    /// - Parameter multiplier: of the group that the asking account is in.
    fileprivate func json(forAdmin isAdmin: Bool, at now: Timestamp, _ multiplier: MultiplierVersion?) -> JSON {
        let price = price(at: now)?.price
        var json: JSONObject = [
            "id": .string(id.description), "name": .string(name), "price": JSON(price?.credits),
            "cost": JSON(multiplier.flatMap { price?.cost($0.multiplier) }),
        ]
        if isAdmin {
            json["provider_id"] = .string(provider.description)
            json["upstream_name"] = .string(upstreamName)
        }
        json["created_at"] = .string(createdAt.rfc3339)
        return .object(json)
    }
}
