import Applications
import Credentials
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Secrets
import Values
import Web

/// The one time that a secret is shown, with what to do with it.
struct IssuedPage: View {
    let title: String
    let lead: String
    let door: Door
    let secret: SecretBox
    let base: String
    let snippets: [Snippet]
    let donePath: String
}

extension Console {
    func declareKeyCreation(_ routes: inout Routes) {
        page(&routes, "/keys/new", for: .createCredential) { visit in
            try await visit.keyForm(Form(visit.strings), of: nil)
        }

        form(&routes, "/keys/new", for: .createCredential) { visit, form in
            var form = form
            let fields = KeyFields(&form, visit.strings)
            let application: Identifier? = form.required("application_id")
            guard form.isGood, let name = fields.name, let application else {
                return try await visit.keyForm(form, of: nil, status: .badRequest)
            }
            do {
                let issued = try await management.createCredential(
                    visit.caller,
                    CredentialDraft(
                        application: application, name: name, terms: fields.terms(at: clock.now()),
                        labels: fields.labels, environment: fields.environment,
                        isRevealable: form.text("revealable") == "yes"))
                return try await visit.issuedPage(issued)
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.noteOfKey(refusal)
                return try await visit.keyForm(form, of: nil, status: refusal.problem.status)
            }
        }

        // The secret was stored: on to the list, where the key is marked.
        form(&routes, "/keys/{credential_id}/stored", for: .listCredentials) { visit, _ in
            let id = try visit.identifier("credential_id")
            return visit.see("/console/keys#key-\(id)", Flash(.created, id))
        }
    }
}

extension Visit {
    func issuedPage(_ issued: IssuedKey, isRotation: Bool = false) async throws -> Response {
        let credential = issued.key.credential
        let application = try await management.getApplication(caller, credential.application)
        let lead =
            credential.reveal == .available ? "issued.lead_again" : isRotation ? "issued.lead_rotated" : "issued.lead"
        let view = IssuedPage(
            title: strings("issued.title", ["name": name(of: issued.key), "app": application.name]),
            lead: strings(lead), door: Door(application.name), secret: SecretBox(issued.secret, id: "secret"),
            base: baseURL,
            snippets: Snippet.all(
                base: baseURL, key: issued.secret.exposed(), model: application.chat.model, strings),
            donePath: "/console/keys/\(credential.id)/" + (isRotation ? "stored-again" : "stored"))
        return try await page("key-issued", view, in: .keys)
    }
}
