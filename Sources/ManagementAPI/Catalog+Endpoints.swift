import Catalog
import HTTP
import Hummingbird
import JSON
import Management
import Secrets
import Values
import Web

extension ManagementAPI {
    func declareCatalog(_ routes: inout Routes) {
        declareProviders(&routes)
        declareProviderTest(&routes)
        declareModels(&routes)
    }

    private func declareProviders(_ routes: inout Routes) {
        on(&routes, .get, "/providers", for: .listProviders, takesQuery: true) { call in
            try await management.listProviders(call.caller, try call.page()).json(\.json)
        }

        on(&routes, .post, "/providers", for: .createProvider) { call in
            var fields = try await call.fields()
            let draft = NewProvider(
                name: try fields.required("name"), kind: try fields.required("kind"),
                baseURL: try fields.optional("base_url"), secret: try fields.optional("secret"))
            try fields.noOthers(setByServer: Self.providerServerFields)
            return .json(try await management.createProvider(call.caller, draft).json, status: .created)
        }

        on(&routes, .get, "/providers/{provider_id}", for: .getProvider) { call in
            .json(try await management.getProvider(call.caller, call.identifier("provider_id")).json)
        }

        on(&routes, .patch, "/providers/{provider_id}", for: .updateProvider) { call in
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
            let edit = ProviderEdit(name: name, baseURL: url, secret: secret)
            return .json(try await management.updateProvider(call.caller, id, edit).json)
        }

        on(&routes, .delete, "/providers/{provider_id}", for: .deleteProvider) { call in
            try await management.deleteProvider(call.caller, call.identifier("provider_id"))
            return Response(status: .noContent)
        }
    }

    private func declareModels(_ routes: inout Routes) {
        on(&routes, .get, "/models", for: .listModels, takesQuery: true) { call in
            var query = try call.query()
            let provider = try query.identifier("provider_id")
            let page = try query.filteredPage()
            try query.noOthers()
            let listing =
                if let provider {
                    try await management.listModels(call.caller, of: provider, page.page)
                } else {
                    try await management.listModels(call.caller, page.page)
                }
            return .json(listing.json(of: page, \.json))
        }

        on(&routes, .get, "/models/{model_id}", for: .getModel) { call in
            .json(try await management.getModel(call.caller, call.identifier("model_id")).json)
        }

        on(&routes, .post, "/models", for: .createModel) { call in
            var fields = try await call.fields()
            let draft = NewModel(
                provider: try fields.required("provider_id"), name: try fields.required("name"),
                upstreamName: try fields.optional("upstream_name"),
                systemMessages: try fields.optional("system_messages") ?? .keep,
                price: try fields.price("price", otherwise: .standard))
            try fields.noOthers(setByServer: ["id", "cost", "created_at"])
            return .json(try await management.createModel(call.caller, draft).json, status: .created)
        }

        on(&routes, .delete, "/models/{model_id}", for: .deleteModel) { call in
            try await management.deleteModel(call.caller, call.identifier("model_id"))
            return Response(status: .noContent)
        }
    }

    private func declareProviderTest(_ routes: inout Routes) {
        on(&routes, .post, "/providers/{provider_id}/test", for: .testProvider) { call in
            let id = try call.identifier("provider_id")
            try await call.noFields()
            return .json(try await management.testProvider(call.caller, id).json)
        }
    }

    private static let providerServerFields: Set<String> = ["id", "has_secret", "created_at", "updated_at"]
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

extension ProviderTest {
    fileprivate var json: JSON {
        [
            "reachable": .bool(isReachable), "status": status.map { JSON(Int64($0)) } ?? .null,
            "duration_ms": JSON(Int64(milliseconds)),
            "model_count": models.map { JSON(Int64($0.count)) } ?? .null,
            "models": .array((models?.names ?? []).map { .string(Text($0)) }),
            "fault": JSON(fault?.rawValue), "detail": JSON(fault?.sentence),
        ]
    }
}

extension ModelOffer {
    fileprivate var json: JSON {
        var json: JSONObject = [
            "id": .string(model.id.description), "name": .string(model.name), "price": JSON(price?.credits),
            "cost": JSON(cost),
        ]
        if isForOperator {
            json["provider_id"] = .string(model.provider.description)
            json["upstream_name"] = .string(model.upstreamName)
            json["system_messages"] = .string(model.systemMessages.rawValue)
        }
        json["created_at"] = .string(model.createdAt.rfc3339)
        return .object(json)
    }
}
