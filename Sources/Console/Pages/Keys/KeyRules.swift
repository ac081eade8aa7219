import Accounts
import Database
import Entrance
import HTTPTypes
import Hummingbird
import Management
import Policy
import Values
import Web

/// What an account wants of all of its keys.
struct KeyRules: View {
    static let path = "/console/keys/rules"

    let action: String
    let backPath: String
    let age: Field
    let mayBeShown: Bool
    let proof: [Field]
    let failure: String?
    /// What it showed before anybody typed.
    let marks: [Form.Carried]
}

extension Console {
    func declareKeyRules(_ routes: inout Routes) {
        page(&routes, "/keys/rules", for: .listCredentials) { visit in
            try visit.allow(.updateKeyPolicy)
            return try await visit.keyRules(Form(visit.strings))
        }

        form(&routes, "/keys/rules", for: .listCredentials) { visit, form in
            try visit.allow(.updateKeyPolicy)
            var form = form
            let age = Int(form.text("rotation_age").string).flatMap { KeyRotationAge($0) }
            if age == nil {
                let range = KeyRotationAge.range
                let bounds = [range.lowerBound, range.upperBound].map { visit.formats.number($0) }
                form.note("rotation_age", visit.strings("invalid.days", ["from": bounds[0], "to": bounds[1]]))
            }
            return try await visit.proving(form, again: { try await visit.keyRules($0, status: $1) }) { caller in
                var edit = KeyPolicyEdit()
                if form.isChanged("rotation_age") { edit.keyRotationAge = age }
                if form.isChanged("revealable") { edit.allowsRevealableKeys = form.text("revealable") == "yes" }
                _ = try await management.updateKeyPolicy(caller, try visit.account(), edit)
                return visit.see(Navigation.Place.keys.path, Flash(.saved))
            }
        }
    }
}

extension Visit {
    fileprivate func keyRules(_ form: Form, status: HTTPResponse.Status = .ok) async throws -> Response {
        let account = try await management.getAccount(caller, try account()).account
        let (age, mayBeShown) = (String(account.keyRotationAge.days), account.allowsRevealableKeys)
        let shown = [
            (name: "rotation_age", texts: [Text(age)]), (name: "revealable", texts: [Text(mayBeShown ? "yes" : "no")]),
        ]
        let view = KeyRules(
            action: KeyRules.path, backPath: Navigation.Place.keys.path,
            age: form.field(
                "rotation_age", value: age, label: strings("rules.age"), help: strings("rules.age_help"), type: "number"
            ),
            mayBeShown: form.has("revealable") ? form.text("revealable") == "yes" : mayBeShown,
            proof: proofFields(form), failure: form.failure, marks: form.marks(of: shown))
        return try await page("key-rules", view, in: .keys, status: status)
    }
}
