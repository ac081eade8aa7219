import Accounts
import Audit
import Database
import HTTPTypes
import Hummingbird
import Policy
import Web

extension ManagementAPI {
    func declareAudit(_ routes: inout Routes) {
        on(&routes, .get, "/audit", needs: .scope(.auditRead)) { call in
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            return try await audit.entries(page).json(\.json)
        }
    }
}

extension AuditEntry {
    fileprivate var json: JSON {
        var detail = JSONObject()
        for (field, value) in self.detail.sorted(by: { $0.key < $1.key }) { detail[field] = .string(value) }
        return [
            "id": .string(id.description), "at": .string(at.rfc3339), "actor_id": JSON(actor),
            "action": .string(action.rawValue), "account_id": JSON(account), "object_id": JSON(object),
            "detail": .object(detail), "address": .string(address),
        ]
    }
}
