import Accounts
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Management
import Metering
import Values
import Web

extension ManagementAPI {
    func declareCredits(_ routes: inout Routes) {
        on(&routes, .post, "/accounts/{account_id}/grants", for: .createGrant) { call in
            let account = try call.identifier("account_id")
            var fields = try await call.fields()
            let amount = try fields.requiredCredits("amount", in: Management.grants)
            let reason: OptionalName? = try fields.settable("reason")
            try fields.noOthers(setByServer: Self.entryServerFields)
            let entry = try await management.createGrant(call.caller, to: account, amount, reason: reason)
            return .json(.object(entry.json), status: .created)
        }

        on(&routes, .post, "/accounts/{account_id}/adjustments", for: .createAdjustment) { call in
            let account = try call.identifier("account_id")
            var fields = try await call.fields()
            let amount = try fields.requiredCredits("amount", in: Management.adjustments)
            let reason: DisplayName = try fields.required("reason")
            try fields.noOthers(setByServer: Self.entryServerFields)
            let entry = try await management.createAdjustment(
                call.caller, of: account, by: amount, reason: reason)
            return .json(.object(entry.json), status: .created)
        }
    }

    private static let entryServerFields: Set<String> = ["id", "account_id", "kind", "actor_id", "created_at"]
}
