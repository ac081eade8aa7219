import Applications
import Credentials
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

/// One app: how a program connects to it, which keys open it, and a box to try it.
struct ApplicationPage: View {
    struct Key: View {
        let path: String
        let name: String
        let hint: String
        let status: Status
    }

    let door: Door
    let lead: Rich
    let base: String
    let snippets: [Snippet]
    let keys: [Key]
    let hasKeys: Bool
    let keysPath: String
    let newKeyPath: String
    let tryBox: TryBox
    let prompt: String?
    let editPath: String
    let deletePath: String
    let mayWrite: Bool
    let mayIssue: Bool
}

extension Console {
    /// What stands in the snippets for a key, which no page of an app has.
    static let keyPlace = "YOUR_KEY"

    func declareApplicationPage(_ routes: inout Routes) {
        page(&routes, "/applications/{application_id}", for: .getApplication) { visit in
            let application = try await management.getApplication(
                visit.caller, try visit.identifier("application_id"))
            let keys = try await visit.keys(of: application)
            let (strings, chat) = (visit.strings, application.chat)
            let path = "/console/applications/\(application.id)"
            let view = ApplicationPage(
                door: Door(application.name),
                lead: strings.rich(
                    chat.allowedModels.count > 1 ? "application.lead_models" : "application.lead_model",
                    ["model": chat.model, "all": chat.allowedModels.joined(separator: ", ")]),
                base: visit.baseURL,
                snippets: Snippet.all(base: visit.baseURL, key: Self.keyPlace, model: chat.model, strings),
                keys: keys.map {
                    ApplicationPage.Key(
                        path: "/console/keys/\($0.credential.id)", name: visit.name(of: $0),
                        hint: $0.credential.hint, status: visit.status(of: $0))
                },
                hasKeys: !keys.isEmpty, keysPath: "/console/keys?application=\(application.id)",
                newKeyPath: "/console/keys/new?application=\(application.id)",
                tryBox: try await visit.tryBox(application, keys), prompt: chat.systemPrompt?.string,
                editPath: path + "/edit", deletePath: path + "/delete", mayWrite: visit.may(.updateApplication),
                mayIssue: visit.may(.createCredential))
            return try await visit.page("application", view, in: .applications)
        }
    }
}
