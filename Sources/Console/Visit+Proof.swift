import Accounts
import Management
import Secrets
import Values
import Web

/// How a person proves once more who they are: by their password, and a code where they have a second factor.
extension Visit {
    /// Whether the person must also type a code.
    var needsCode: Bool { caller.actor?.user.hasSecondFactor ?? false }

    /// The fields that ``proof(_:withCode:)`` reads.
    func proofFields(_ form: Form) -> [Field] {
        let password = form.field(
            "password", label: strings("field.your_password"), type: "password", autocomplete: "current-password",
            isSecret: true)
        if !needsCode { return [password] }
        let code = form.field(
            "code", label: strings("field.code"), autocomplete: "one-time-code", isSecret: true)
        return [password, code]
    }

    /// - Parameter withCode: `false` where the password alone will do.
    /// - Returns: `nil` where something is missing, which is noted in the form.
    func proof(_ form: inout Form, withCode: Bool = true) -> Proof? {
        let password: Password? = form.required("password")
        let code: SecondFactorCode? = needsCode && withCode ? form.required("code") : nil
        guard let password, code != nil || !needsCode || !withCode else { return nil }
        return Proof(password: password, code: code)
    }

    /// Notes in the form why a proof was no good.
    /// - Parameter wrong: what to say of a wrong password.
    /// - Throws: a refusal of anything else.
    func note(
        _ refusal: Refusal, of proof: Proof, in form: inout Form, wrong: String = "invalid.password"
    ) throws(Refusal) {
        switch refusal.code {
        case .signInFailed where !proof.hasCode: form.note("password", strings(wrong))
        case .signInFailed: form.note("code", strings("invalid.proof"))
        case .tooManyAttempts: form.note("password", strings.sentence(refusal))
        default: throw refusal
        }
    }

    /// - Parameter wrong: what to say of a wrong password.
    /// - Returns: the caller that is fresh now; `nil` when the proof was no good, which is noted in the form.
    func proved(_ form: inout Form, wrong: String = "invalid.password") async throws -> Caller? {
        guard let proof = proof(&form) else { return nil }
        do {
            let opened = try await management.reauthenticate(caller, proof)
            renew(opened.token)
            return management.caller(
                try await management.actor(.session(opened.token), from: context.client), at: context.client)
        } catch {
            try note(error, of: proof, in: &form, wrong: wrong)
            return nil
        }
    }
}
