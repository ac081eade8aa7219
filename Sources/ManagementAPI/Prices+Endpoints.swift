import Catalog
import HTTP
import Hummingbird
import JSON
import Management
import Values
import Web

extension ManagementAPI {
    func declarePrices(_ routes: inout Routes) {
        on(&routes, .get, "/models/{model_id}/prices", for: .listPrices, takesQuery: true) { call in
            let page = try call.page()
            return try await management.listPrices(call.caller, of: call.identifier("model_id"), page).json(\.json)
        }

        on(&routes, .post, "/models/{model_id}/prices", for: .createPrice) { call in
            let model = try call.identifier("model_id")
            var fields = try await call.fields()
            let price = try fields.price("price")
            let effectiveAt = try fields.time("effective_at")
            try fields.noOthers(setByServer: ["id", "model_id", "created_at"])
            let version = try await management.createPrice(
                call.caller, price, of: model, effectiveAt: effectiveAt)
            return .json(version.json, status: .created)
        }

        on(&routes, .delete, "/models/{model_id}/prices/{price_id}", for: .deletePrice) { call in
            try await management.deletePrice(
                call.caller, call.identifier("price_id"), of: call.identifier("model_id"))
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
