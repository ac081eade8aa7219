import Accounts
package import Credentials
package import Metering
package import Policy
package import Secrets
package import Values

/// A key with what was used of it.
package struct KeyDetails: Sendable {
    package let credential: Credential
    package let meter: KeyMeter
    /// When its account wants a secret rotated.
    package let rotationAge: KeyRotationAge
    /// When this was so.
    package let at: Timestamp

    package var status: KeyStatus { credential.status(meter, at: at) }

    /// When the current secret is so old that the account wants another one. Nothing stops then.
    package var rotationDueAt: Timestamp { rotationAge.end(from: credential.secret.createdAt) }
}

/// A key whose secret is shown: once, when it is made or made anew.
package struct IssuedKey: Sendable {
    package let key: KeyDetails
    package let secret: Secret
}

extension CredentialDraft {
    /// The credit limits that a key may have, in micro-credits.
    package static let limits: ClosedRange<Int64> = 0...Credits.most.micro
    /// How many models or addresses a list of them may have.
    package static let listed = 1...100
}

/// Keys: made, read, changed and deleted.
extension Management {
    package func createCredential(_ caller: Caller, _ draft: CredentialDraft) async throws(Refusal) -> IssuedKey {
        try await perform(.createCredential, caller) { domains, actor in
            try domains.refuseKey(in: draft.name, "name")
            try check(draft.terms.creditLimit, "limited_amount")
            try check(draft.terms.monthlyLimit, "monthly_limit")
            try check(draft.terms.models, "models")
            try check(draft.terms.addresses, "ip_allowlist")
            try check(labels: draft.labels)
            // Before: nothing that fails may come between the secret and its only answer.
            let age = try await domains.rotationAge(of: actor.account)
            let (credential, secret) = try await domains.credentials.issue(draft, by: actor.user, caller.author)
            // Nothing can have been used of a key whose secret nobody has yet.
            let key = KeyDetails(
                credential: credential, meter: KeyMeter(), rotationAge: age, at: domains.clock.now())
            return IssuedKey(key: key, secret: secret)
        }
    }

    package func getCredential(_ caller: Caller, _ id: Identifier) async throws(Refusal) -> KeyDetails {
        try await perform(.getCredential, caller) { domains, actor in
            try await domains.details(domains.credentials.find(id, of: actor.account))
        }
    }

    /// How many calls of a key were charged in the last 24 hours.
    package func countCalls(_ caller: Caller, of id: Identifier) async throws(Refusal) -> CallCount {
        try await perform(.getCredential, caller) { domains, actor in
            let credential = try await domains.credentials.find(id, of: actor.account)
            let since = domains.clock.now().adding(.seconds(-86_400))
            return try await domains.metering.calls(of: credential.id, in: actor.account, since: since)
        }
    }

    package func updateCredential(
        _ caller: Caller, _ id: Identifier, _ edit: CredentialEdit
    ) async throws(Refusal) -> KeyDetails {
        try await perform(.updateCredential, caller, isBrake: edit.isBrake) { domains, actor in
            try domains.refuseKey(in: edit.name, "name")
            try check(edit.creditLimit ?? nil, "limited_amount")
            try check(edit.monthlyLimit ?? nil, "monthly_limit")
            try check(edit.models ?? nil, "models")
            try check(edit.addresses ?? nil, "ip_allowlist")
            try check(labels: edit.labels ?? [])
            return try await domains.details(
                domains.credentials.edit(id, of: actor.account, edit, by: caller.author))
        }
    }

    package func deleteCredential(_ caller: Caller, _ id: Identifier) async throws(Refusal) {
        try await perform(.deleteCredential, caller) { domains, actor in
            try await domains.credentials.delete(id, of: actor.account, by: caller.author)
        }
    }

    private func check(_ limit: Credits?, _ field: String) throws(Refusal) {
        guard let limit, !CredentialDraft.limits.contains(limit.micro) else { return }
        throw .invalid(field, Credits.rule(CredentialDraft.limits))
    }

    private func check(labels: [KeyLabel]) throws(Refusal) {
        guard labels.count > KeyLabel.most else { return }
        throw .invalid("labels", "must have at most \(KeyLabel.most) elements")
    }

    private func check<T>(_ list: [T]?, _ field: String) throws(Refusal) {
        guard let list, !CredentialDraft.listed.contains(list.count) else { return }
        throw .invalid(
            field,
            list.isEmpty
                ? "must have at least 1 element, or be null for no restriction"
                : "must have at most \(CredentialDraft.listed.upperBound) elements")
    }
}

extension Management.Domains {
    func details(_ credential: Credential) async throws -> KeyDetails {
        let now = clock.now()
        let meters = try await metering.meters(of: [credential.id], in: credential.account, Month(of: now))
        return KeyDetails(
            credential: credential, meter: meters[credential.id] ?? KeyMeter(),
            rotationAge: try await rotationAge(of: credential.account), at: now)
    }

    /// When an account wants its keys rotated.
    func rotationAge(of account: Identifier) async throws -> KeyRotationAge {
        guard let found = try await accounts.opened(account) else { throw AccountsError.notFound }
        return found.keyRotationAge
    }

    /// A key that somebody puts where it is shown and recorded would be a secret no more.
    func refuseKey(in text: OptionalName?, _ field: String) throws(Refusal) {
        if let text, credentials.isKeyIn(text.text) { throw .invalid(field, "must not contain a key") }
    }
}
