package import Accounts
package import Audit
import Database
package import Secrets
package import Values

/// Showing a secret again.
///
/// What keeps others out is not a check but what there is: a copy is sealed to a root user's public key, and the
/// private one is at rest only under a key that their password makes (design §5).
extension Credentials {
    /// - Parameter proof: the password, which opens the private key, and a code where the session is not fresh and the
    ///   user has a second factor.
    package func reveal(
        _ id: Identifier, by actor: Actor, _ session: Session, _ proof: Proof, from address: IPAddress?,
        _ author: Author
    ) async throws -> Secret {
        let now = clock.now()
        let (credential, sealed) = try await database.read { connection in
            let credential = try find(id, of: actor.account, now, connection)
            return (credential, try Self.copy(of: credential, for: actor.user.id, connection))
        }
        let (key, proved) = try await accounts.unlockRevealPair(of: actor, session, proof, from: address)
        guard let key else { throw CredentialsError.noCopyForUser }
        let secret = try key.open(sealed, context: SealedCopy.context(credential))
        try await database.write { connection in
            // Deleted, rotated or forbidden since it was read: then this secret is not shown any more.
            let current = try find(id, of: actor.account, now, connection)
            guard try Self.copy(of: current, for: actor.user.id, connection) == sealed else {
                throw CredentialsError.notFound
            }
            try accounts.use(proved, at: now, in: connection)
            try CredentialTable.countReveal(of: current, now, connection)
            try author.record(
                .credentialReveal, account: actor.account, object: id.description, at: now, in: connection)
        }
        accounts.succeeded(proved)
        return secret
    }

    /// Says what an account wants of its keys. Where they may no longer be shown again, every copy goes, for good. What
    /// changes nothing writes nothing.
    package func editKeyPolicy(
        _ edit: KeyPolicyEdit, in account: Identifier, by author: Author
    ) async throws -> Account {
        let now = clock.now()
        let changed = try await database.write { connection in
            let (old, new) = try Accounts.editKeyPolicy(edit, in: account, at: now, connection)
            let changes = new.policyChanges(from: old)
            if changes.isEmpty { return new }
            if old.allowsRevealableKeys, !new.allowsRevealableKeys {
                try SealedCopyTable.deleteAll(of: account, connection)
                try CredentialTable.forbidReveals(in: account, connection)
            }
            try author.record(
                .accountKeyPolicy, account: account, object: account.description, detail: changes.detail, at: now,
                in: connection)
            return new
        }
        accounts.forget(account)
        return changed
    }

    private static func copy(
        of credential: Credential, for user: Identifier, _ connection: Connection
    ) throws -> String {
        switch credential.reveal {
        case .showOnce: throw CredentialsError.shownOnce
        case .lost: throw CredentialsError.copyLost
        case .available: break
        }
        let key = try Accounts.rootKeys(of: credential.account, in: connection).first { $0.user == user }
        guard let key, let sealed = try SealedCopyTable.find(credential.id, sealedTo: key.id, connection) else {
            throw CredentialsError.noCopyForUser
        }
        return sealed
    }

    static func checkRevealable(_ owner: Account, _ connection: Connection) throws {
        guard owner.allowsRevealableKeys else { throw CredentialsError.revealableForbidden }
        guard try !Accounts.rootKeys(of: owner.id, in: connection).isEmpty else {
            throw CredentialsError.revealKeyMissing
        }
    }

    /// A secret sealed to each root user that there is now.
    func copies(_ secret: Secret, of credential: Credential) async throws -> [SealedCopy] {
        let keys = try await database.read { try Accounts.rootKeys(of: credential.account, in: $0) }
        return try keys.map { try copy(secret, to: $0, credential) }
    }

    /// Leaves a copy for every root user that there is in the transaction of `connection`. Sealing takes the better
    /// part of a millisecond for each, so it was done before; whoever has come since is the exception.
    func insert(
        _ copies: [SealedCopy], of secret: Secret, _ credential: Credential, _ connection: Connection
    ) throws {
        for key in try Accounts.rootKeys(of: credential.account, in: connection) {
            let made = copies.first { $0.key == key.id }
            try SealedCopyTable.insert(made ?? copy(secret, to: key, credential), of: credential.id, connection)
        }
    }

    private func copy(_ secret: Secret, to key: RootKey, _ credential: Credential) throws -> SealedCopy {
        let sealed = try accounts.open(key).seal(secret, context: SealedCopy.context(credential))
        return SealedCopy(key: key.id, sealed: sealed)
    }
}

/// A key's secret for one root user's eyes.
struct SealedCopy: Sendable {
    /// The pair of keys that opens it.
    let key: Identifier
    let sealed: String

    /// Binds a copy to its place: moved to another key or left from another secret, it does not open.
    static func context(_ credential: Credential) -> String {
        "credential:\(credential.id):\(credential.secret.id.text)"
    }
}
