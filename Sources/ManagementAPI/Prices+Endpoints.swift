import Accounts
import Catalog
import HTTPTypes
import Hummingbird
import JSON
import Values
import Web

extension ManagementAPI {
    func declarePrices(_ routes: inout Routes) {
        on(&routes, .get, "/models/{model_id}/prices", needs: .adminScope(.catalogRead), takesQuery: true) { call in
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            return try await catalog.prices(of: call.identifier("model_id"), page).json(\.json)
        }

        on(&routes, .post, "/models/{model_id}/prices", needs: .scope(.catalogWrite)) { call in
            let model = try call.identifier("model_id")
            var fields = try await call.fields()
            let price = try fields.price("price")
            let effectiveAt = try fields.time("effective_at")
            try fields.noOthers(setByServer: ["id", "model_id", "created_at"])
            let version = try await catalog.addPrice(price, of: model, effectiveAt: effectiveAt, by: call.author)
            return .json(version.json, status: .created)
        }

        on(&routes, .delete, "/models/{model_id}/prices/{price_id}", needs: .scope(.catalogWrite)) { call in
            try await catalog.withdrawPrice(
                call.identifier("price_id"), of: call.identifier("model_id"), by: call.author)
            return Response(status: .noContent)
        }
    }
}

extension PriceVersion {
    fileprivate var json: JSON {
        [
            "id": .string(id.description), "model_id": .string(model.description), "price": JSON(price.credits),
            "effective_at": .string(effectiveAt.rfc3339), "created_at": .string(createdAt.rfc3339),
        ]
    }
}
