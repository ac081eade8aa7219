package import Accounts
import Applications
package import Audit
import Catalog
import Database
import Policy
package import Secrets
import Values

/// New keys.
extension Credentials {
    /// Creates a key. The cap and the daily limit are decided in the transaction that inserts it, so no race gets past
    /// them; they are looked at before as well, so that a refused request costs no Argon2id.
    /// - Returns: the key, and its secret for the one answer that carries it.
    package func issue(
        _ draft: CredentialDraft, by user: User, _ author: Author
    ) async throws -> (Credential, Secret) {
        let now = clock.now()
        if draft.terms.expiresAt.isExpired(at: now) { throw CredentialsError.expiryInPast }
        try await database.read { try check(draft, user.account, now, $0) }
        let minted = format.mint(entropy)
        let phc = try await argon2.hash(minted.secret, for: .account(user.account))
        let credential = Credential(
            id: Identifier(at: now, random: (entropy.word(), entropy.word())), creator: user.id, account: user.account,
            application: draft.application, name: draft.name.text, terms: draft.terms.withoutRepetitions,
            labels: draft.labels.sortedTexts, environment: draft.environment?.text, isEnabled: true,
            secret: KeySecret(minted, at: now), reveal: draft.isRevealable ? .available : .showOnce, reveals: 0,
            createdAt: now, updatedAt: now)
        let copies = draft.isRevealable ? try await copies(minted.secret, of: credential) : []
        try await database.write { connection in
            try check(draft, user.account, now, connection)
            try CredentialDayTable.countCreation(of: user.account, day: now.day, connection)
            try CredentialTable.insert(credential, phc, isRevealable: draft.isRevealable, connection)
            if draft.isRevealable { try insert(copies, of: minted.secret, credential, connection) }
            try author.record(
                .credentialCreate, account: user.account, object: credential.id.description,
                detail: Self.detail(of: credential), at: now, in: connection)
        }
        verifier.remember(minted.presented)
        return (credential, minted.secret)
    }

    /// What the entry of a creation says. What is not there is not said.
    private static func detail(of credential: Credential) -> [String: String] {
        var detail = ["application_id": credential.application.description, "name": credential.name]
        if !credential.labels.isEmpty { detail["labels"] = Changes.bounded(credential.labels) }
        detail["environment"] = credential.environment
        return detail
    }

    private func check(
        _ draft: CredentialDraft, _ account: Identifier, _ now: Timestamp, _ connection: Connection
    ) throws {
        let today = try CredentialDayTable.counts(of: account, day: now.day, connection)
        let owner = try Accounts.account(account, in: connection)
        let refusal = Policy.mayCreate(
            live: try CredentialTable.countLive(of: account, now, connection), cap: owner.cap,
            createdToday: today.created)
        try Self.checkGroup(draft.terms.group, of: owner, connection)
        guard let app = try Applications.application(draft.application, of: account, in: connection) else {
            throw CredentialsError.noSuchApplication
        }
        try Self.checkModels(draft.terms.models, app.rules)
        if draft.isRevealable { try Self.checkRevealable(owner, connection) }
        switch refusal {
        case .capReached(let cap): throw CredentialsError.capReached(cap.value)
        case .dailyLimitReached(let limit):
            throw CredentialsError.dailyLimitReached(
                limit, retryAfterSeconds: Int(now.seconds(toEndOf: today.day)))
        case nil: break
        }
    }

    static func checkGroup(_ group: String?, of owner: Account, _ connection: Connection) throws {
        guard let group else { return }
        guard owner.usableGroups.contains(group), try Catalog.isChoosable(group, in: connection) else {
            throw CredentialsError.unknownGroup
        }
    }

    /// A model that the app may not use would be a term that allows nothing.
    static func checkModels(_ models: [String]?, _ app: AppRules) throws {
        if let index = (models ?? []).firstIndex(where: { !app.allowedModels.contains($0) }) {
            throw CredentialsError.modelNotOfApplication(index: index)
        }
    }
}

extension KeySecret {
    init(_ minted: MintedToken, at now: Timestamp) {
        self.init(id: minted.id, hint: minted.hint, createdAt: now, endsAt: nil)
    }
}
