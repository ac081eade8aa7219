import Catalog
import HTTP
import Hummingbird
import Management
import Values
import Web

/// Small steps with a group, each after a page that says what comes of it.
extension Console {
    func declareGroupSteps(_ routes: inout Routes) {
        page(&routes, "/groups/{group}/multipliers/{multiplier_id}/withdraw", for: .deleteMultiplier) { visit in
            let group = try await management.getGroup(visit.caller, visit.groupName()).group
            let id = try visit.identifier("multiplier_id")
            guard let version = group.multipliers.first(where: { $0.id == id }) else { throw Problem.notFound }
            let values = [
                "times": visit.times(version.multiplier), "time": visit.formats.exact(version.effectiveAt),
                "name": group.name,
            ]
            return try await visit.ask(
                of: group, title: visit.strings("group.withdraw_title", values),
                lead: visit.strings("group.withdraw_lead"), button: visit.strings("group.withdraw"), isDanger: true)
        }

        form(&routes, "/groups/{group}/multipliers/{multiplier_id}/withdraw", for: .deleteMultiplier) { visit, _ in
            let name = try visit.groupName()
            try await management.deleteMultiplier(visit.caller, visit.identifier("multiplier_id"), of: name)
            return visit.see("/console/groups/\(name.text)", Flash(.deleted))
        }

        for isRetired in [true, false] {
            let step = isRetired ? "retire" : "bring-back"
            page(&routes, "/groups/{group}/\(step)", for: .updateGroup) { visit in
                let group = try await management.getGroup(visit.caller, visit.groupName()).group
                let key = isRetired ? "group.retire" : "group.bring_back"
                return try await visit.ask(
                    of: group, title: visit.strings(key + "_title", ["name": group.name]),
                    lead: visit.strings(key + "_lead"), button: visit.strings(key), isDanger: false)
            }

            form(&routes, "/groups/{group}/\(step)", for: .updateGroup) { visit, _ in
                let name = try visit.groupName()
                _ = try await management.updateGroup(visit.caller, name, isRetired: isRetired)
                return visit.see("/console/groups/\(name.text)", Flash(.saved))
            }
        }
    }
}

extension Visit {
    fileprivate func ask(
        of group: PricingGroup, title: String, lead: String, button: String, isDanger: Bool
    ) async throws -> Response {
        let view = Confirmation(
            title: title, lead: lead, action: request.uri.path, backPath: path(of: group),
            keep: strings("action.cancel"),
            button: button, isDanger: isDanger, fields: [], failure: nil)
        return try await page("confirmation", view, in: .groups)
    }
}
