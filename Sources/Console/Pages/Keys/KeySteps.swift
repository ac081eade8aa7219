import Accounts
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

/// A secret that is shown again, for a minute.
struct RevealedPage: View {
    let title: String
    let secret: SecretBox
    let base: String
    let backPath: String
    /// In seconds.
    let hidesAfter: Int
}

extension Console {
    /// Each page is for who may change keys; the step itself asks for what it needs.
    func declareKeySteps(_ routes: inout Routes) {
        for step in [KeyStep.reveal, .rotate, .retire, .delete] {
            page(&routes, "/keys/{credential_id}/\(step.rawValue)", for: .updateCredential) { visit in
                let key = try await management.getCredential(visit.caller, try visit.identifier("credential_id"))
                return try await visit.keySheet(step, Form(visit.strings), of: key)
            }

            form(&routes, "/keys/{credential_id}/\(step.rawValue)", for: .updateCredential) { visit, form in
                var form = form
                let key = try await management.getCredential(visit.caller, try visit.identifier("credential_id"))
                do {
                    if let response = try await visit.take(step, &form, key) { return response }
                    return try await visit.keySheet(step, form, of: key, status: .badRequest)
                } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                    if refusal.code == .notFound { throw refusal }
                    form.note(refusal, names: ["overlap_seconds": "overlap"])
                    return try await visit.keySheet(step, form, of: key, status: refusal.problem.status)
                }
            }
        }

        // The new secret was stored: back to the key.
        form(&routes, "/keys/{credential_id}/stored-again", for: .getCredential) { visit, _ in
            let id = try visit.identifier("credential_id")
            return visit.see("/console/keys/\(id)", Flash(.saved, id))
        }
    }
}

extension Visit {
    /// - Returns: `nil` when the form can't be taken yet, for reasons that are noted in it.
    fileprivate func take(_ step: KeyStep, _ form: inout Form, _ key: KeyDetails) async throws -> Response? {
        let id = key.credential.id
        switch step {
        case .reveal: return try await reveal(&form, key)
        case .rotate:
            guard let overlap = Int(form.text("overlap").string), KeyStep.overlaps.contains(overlap) else {
                form.note("overlap", strings("invalid.required"))
                return nil
            }
            guard let caller = try await fresh(&form) else { return nil }
            let issued = try await management.rotateCredential(caller, id, overlap: overlap)
            // The session may go on under a new token, and the next form is of that one.
            let visit = Visit(console: console, request: request, context: context, caller: caller)
            return try await visit.issuedPage(issued, isRotation: true)
        case .retire:
            guard let caller = try await fresh(&form) else { return nil }
            _ = try await management.retireCredential(caller, id)
            return see("/console/keys/\(id)", Flash(.saved, id))
        case .delete:
            if form.text("name") != Text(typedName(of: key)) { form.note("name", strings("invalid.name_typed")) }
            guard form.isGood, let caller = try await proved(&form, wrong: "invalid.password_deletion") else {
                return nil
            }
            try await management.deleteCredential(caller, id)
            return see("/console/keys", Flash(.deleted))
        }
    }

    /// The person, who has proved lately or proves now who they are.
    private func fresh(_ form: inout Form) async throws -> Caller? {
        isFresh ? caller : try await proved(&form)
    }

    private func reveal(_ form: inout Form, _ key: KeyDetails) async throws -> Response? {
        guard let proof = proof(&form, withCode: !isFresh) else { return nil }
        let id = key.credential.id
        do {
            let secret = try await management.revealCredential(caller, id, proof)
            let view = RevealedPage(
                title: name(of: key), secret: SecretBox(secret, id: "secret"), base: baseURL,
                backPath: "/console/keys/\(id)", hidesAfter: 60)
            var response = try await page("key-revealed", view, in: .keys)
            // Without the script as well, the browser leaves the secret after a minute.
            response.headers[.refresh] = "60; url=/console/keys/\(id)"
            return response
        } catch let refusal as Refusal {
            try note(refusal, of: proof, in: &form)
            return nil
        }
    }
}

extension HTTPField.Name {
    /// Browsers go on to another page after so many seconds (HTML §2.5.4).
    fileprivate static let refresh = HTTPField.Name("Refresh")!
}
