import Accounts
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Metering
import Values
import Web

extension ManagementAPI {
    func declareCredits(_ routes: inout Routes) {
        on(&routes, .post, "/accounts/{account_id}/grants", needs: .scope(.creditsWrite)) { call in
            let account = try call.identifier("account_id")
            var fields = try await call.fields()
            let amount = try fields.requiredCredits("amount", in: 1...Credits.most.micro)
            let reason: OptionalName? = try fields.settable("reason")
            try fields.noOthers(setByServer: Self.entryServerFields)
            let entry = try await metering.grant(amount, to: account, reason: reason ?? .empty, by: call.author)
            return .json(.object(entry.json), status: .created)
        }

        on(&routes, .post, "/accounts/{account_id}/adjustments", needs: .scope(.creditsWrite)) { call in
            let account = try call.identifier("account_id")
            var fields = try await call.fields()
            let range = -Credits.most.micro...Credits.most.micro
            let amount = try fields.requiredCredits("amount", in: range)
            if amount == .zero { throw Problem.invalid("amount", "must not be 0") }
            let reason: DisplayName = try fields.required("reason")
            try fields.noOthers(setByServer: Self.entryServerFields)
            let entry = try await metering.adjust(account, by: amount, reason: reason, by: call.author)
            return .json(.object(entry.json), status: .created)
        }
    }

    private static let entryServerFields: Set<String> = ["id", "account_id", "kind", "actor_id", "created_at"]
}
