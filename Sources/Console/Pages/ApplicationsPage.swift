import Applications
import Database
import Hummingbird
import Management
import Values
import Web

import struct Applications.Application

/// The apps of the account.
struct ApplicationsPage: View {
    struct Row: View {
        let id: String
        let door: Door
        let path: String
        let editPath: String
        let deletePath: String
        let model: String
        /// The others that callers may name, in words.
        let more: String?
        let created: Moment
        let isNew: Bool
        let mayWrite: Bool
    }

    let rows: [Row]
    let lead: String
    let mayWrite: Bool
    /// Where the next page of the list is.
    let nextPath: String?
    let isEmpty: Bool
}

/// An app's door with its name: for the partial `door`.
struct Door: View {
    let name: String
    /// The first character of the name.
    let initial: String

    init(_ name: String) {
        self.name = name
        // One that is long is made of many marks on each other.
        initial = name.first.map { $0.utf8.count > 32 ? "·" : String($0).uppercased() } ?? "·"
    }
}

extension Console {
    func declareApplications(_ routes: inout Routes) {
        page(&routes, "/applications", for: .listApplications) { visit in
            let after = visit.query("after").flatMap { Identifier($0) }
            let listing = try await management.listApplications(visit.caller, Page(after: after))
            let marked = Flash(visit.request.headers)?.id
            let mayWrite = visit.may(.createApplication)
            let rows = listing.items.map { visit.row($0, isNew: $0.id == marked, mayWrite: mayWrite) }
            let view = ApplicationsPage(
                rows: rows, lead: visit.strings(mayWrite ? "applications.lead" : "applications.lead_member"),
                mayWrite: mayWrite, nextPath: listing.next.map { "/console/applications?after=\($0)" },
                isEmpty: rows.isEmpty && after == nil)
            return try await visit.page("applications", view, in: .applications)
        }
        declareApplicationForms(&routes)
        declareApplicationPage(&routes)
        declareTryPass(&routes)
        declareApplicationDeletion(&routes)
    }
}

extension Visit {
    fileprivate func row(_ application: Application, isNew: Bool, mayWrite: Bool) -> ApplicationsPage.Row {
        let path = "/console/applications/\(application.id)"
        let others = application.chat.allowedModels.count - 1
        return ApplicationsPage.Row(
            id: "app-\(application.id)", door: Door(application.name), path: path, editPath: path + "/edit",
            deletePath: path + "/delete", model: application.chat.model,
            more: others > 0
                ? strings.count("applications.more_models", others, shown: formats.number(others)) : nil,
            created: formats.moment(application.createdAt), isNew: isNew, mayWrite: mayWrite)
    }
}
