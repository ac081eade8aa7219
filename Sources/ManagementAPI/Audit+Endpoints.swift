import Accounts
import Audit
import HTTPTypes
import Hummingbird
import JSON
import Management
import Values
import Web

extension ManagementAPI {
    func declareAudit(_ routes: inout Routes) {
        on(&routes, .get, "/audit", for: .listAudit, takesQuery: true) { call in
            var query = try call.query()
            let page = try query.filteredPage()
            // An account reads its own; only an admin can choose.
            let isAdmin = call.caller.actor?.user.isAdmin == true
            var filter = AuditFilter(account: isAdmin ? try query.identifier("account_id") : nil)
            filter.actor = try query.identifier("actor_id")
            filter.action = try query.text("action")
            (filter.from, filter.until) = (try query.time("from"), try query.time("to"))
            try query.noOthers()
            let (entries, people) = try await management.listAudit(call.caller, filter, page.page)
            return .json(entries.json(of: page) { $0.json(forPeople: people) })
        }
    }
}

extension AuditEntry {
    /// - Parameter people: of the account that reads; `nil` for operators. Who else did something, and from where, is
    ///   not the account's business, and neither is how much is done in the deployment, which the places in the chain
    ///   tell.
    fileprivate func json(forPeople people: Set<Identifier>?) -> JSON {
        var detail = JSONObject()
        for (field, value) in self.detail.sorted(by: { $0.key < $1.key }) { detail[field] = .string(value) }
        let isShown = people.map { people in actor.map(people.contains) ?? false } ?? true
        return [
            "sequence": people == nil ? JSON(link.sequence) : .null, "id": .string(id.description),
            "at": .string(at.rfc3339), "actor_id": isShown ? JSON(actor) : .null, "action": .string(action.rawValue),
            "account_id": JSON(account), "object_id": JSON(object), "detail": .object(detail),
            "address": isShown ? .string(address) : .null, "hash": JSON(people == nil ? link.hash : nil),
        ]
    }
}
