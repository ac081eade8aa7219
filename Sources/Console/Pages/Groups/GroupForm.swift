import Catalog
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

/// A new group. Its name stays, and its first multiplier holds at once.
extension Console {
    func declareGroupForm(_ routes: inout Routes) {
        page(&routes, "/groups/new", for: .createGroup) { visit in
            try await visit.groupForm(Form(visit.strings))
        }

        form(&routes, "/groups/new", for: .createGroup) { visit, form in
            var form = form
            let name: GroupName? = form.required("name")
            let multiplier = GroupDraft.multiplier(&form, visit.strings)
            guard form.isGood, let name, let multiplier else {
                return try await visit.groupForm(form, status: .badRequest)
            }
            do {
                let made = try await management.createGroup(visit.caller, name, multiplier)
                return visit.see(
                    "/console/groups#group-\(name.text)", Flash(.created, made.group.multipliers.first?.id))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.note(refusal)
                return try await visit.groupForm(form, status: refusal.problem.status)
            }
        }
    }
}

extension Visit {
    fileprivate func groupForm(_ form: Form, status: HTTPResponse.Status = .ok) async throws -> Response {
        let view = SmallForm(
            title: strings("group.new"), lead: strings("group.new_lead"), action: "/console/groups/new",
            button: strings("group.create"), tone: "primary", backPath: "/console/groups",
            fields: [
                form.field(
                    "name", label: strings("field.name"), help: strings("group.name_help"), hasFocus: true),
                form.field(
                    "multiplier", value: "1", label: strings("group.multiplier"),
                    help: strings("group.multiplier_help")),
            ], failure: form.failure)
        return try await page("small-form", view, in: .groups, status: status)
    }
}
