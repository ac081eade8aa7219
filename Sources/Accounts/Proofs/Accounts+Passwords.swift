package import Audit
package import Database
package import Secrets
package import Values

/// New passwords, and the keys that a password locks.
extension Accounts {
    /// Changes a password, with the current one as proof. What it locked, the new one locks; other sessions end, and
    /// this one goes on under a new token.
    package func changePassword(
        of actor: Actor, _ session: Session, _ proof: Proof, to new: Password, from address: IPAddress?,
        by author: Author
    ) async throws -> Secret {
        try await retrying {
            // First, since it needs no hash.
            if let email = EmailAddress(actor.user.email) { try new.check(email: email) }
            let needsCode = !session.isFresh(at: parts.clock.now())
            let proved = try await prove(actor, proof, from: address, needsCode: needsCode)
            let user = proved.found.user
            let share = Share.account(user.account)
            let key = try await unlocked(proved.found, proof.password, for: share) ?? .generate(parts.entropy)
            let id = proved.found.revealKey?.id ?? parts.newID(at: parts.clock.now())
            let phc = try await parts.argon2.hash(new.secret, for: share)
            let lock = try await lock(key, id, phc, new, of: user.id, for: share)
            let (token, digest) = newSessionToken()
            let now = parts.clock.now()
            try await parts.database.write { connection in
                try use(proved, at: now, in: connection)
                try UserTable.setPassword(lock, of: user.id, connection)
                try SessionTable.deleteAll(of: user.id, but: session.id, connection)
                _ = try Self.renew(session, digest, now, connection)
                try PasswordResetTable.delete(of: user.id, connection)
                try author.record(
                    .passwordChange, account: user.account, object: user.id.description, at: now, in: connection)
            }
            succeeded(proved)
            return token
        }
    }

    /// Makes a way to a new password for somebody who has lost theirs. An older one stops working.
    package func createPasswordReset(
        of user: Identifier, in account: Identifier, by author: Author
    ) async throws -> (PasswordReset, Secret) {
        let minted = resets.mint(parts.entropy)
        let now = parts.clock.now()
        let reset = PasswordReset(
            id: parts.newID(at: now), user: user, expiresAt: now.adding(PasswordReset.lifetime))
        let digest = parts.keys.lookupDigest(of: minted.secret, purpose: "password reset")
        try await parts.database.write { connection in
            guard try UserTable.find(user, of: account, connection) != nil else { throw AccountsError.notFound }
            try PasswordResetTable.replace(reset, digest, now, connection)
            try author.record(
                .passwordResetCreate, account: account, object: user.description, at: now, in: connection)
        }
        return (reset, minted.secret)
    }

    /// Uses a reset up. Without the old password nothing opens what it locked, so there is a new pair of keys, and what
    /// was sealed to the old one is lost for good. The second factor stays: a reset is no way round it (ASVS 6.4.3).
    /// Sessions and platform tokens end: who loses a password may have lost it to somebody.
    package func resetPassword(token: String, to password: Password, by author: Author) async throws {
        guard let presented = resets.parse(token), resets.isGenuine(presented) else {
            throw AccountsError.resetInvalid
        }
        let digest = parts.keys.lookupDigest(of: Secret(token), purpose: "password reset")
        let found = try await parts.database.read { [now = parts.clock.now()] in
            try PasswordResetTable.find(digest, now, $0)
        }
        guard let found, let email = EmailAddress(found.user.email) else { throw AccountsError.resetInvalid }
        try password.check(email: email)
        let lock = try await lock(password, of: found.user.id, for: .account(found.user.account))
        let now = parts.clock.now()
        try await parts.database.write { connection in
            guard try PasswordResetTable.find(digest, now, connection) != nil else {
                throw AccountsError.resetInvalid
            }
            try PasswordResetTable.delete(of: found.user.id, connection)
            try RevealPairTable.delete(of: found.user.id, connection)
            try UserTable.setPassword(lock, of: found.user.id, connection)
            try SessionTable.deleteAll(of: found.user.id, connection)
            try PlatformTokenTable.deleteAll(of: found.user.id, connection)
            try author.by(found.user.id).record(
                .passwordReset, account: found.user.account, object: found.user.id.description, at: now,
                in: connection)
        }
    }

    // MARK: What a password locks

    /// Holds a proof against the user of an actor and opens their private key with its password: the only way there is.
    /// - Returns: the key, `nil` for a user who has none yet; and the proof, for ``use(_:at:in:)`` and
    ///   ``succeeded(_:)``.
    package func unlockRevealPair(
        of actor: Actor, _ session: Session, _ proof: Proof, from address: IPAddress?
    ) async throws -> (RevealPrivateKey?, Proved) {
        let needsCode = !session.isFresh(at: parts.clock.now())
        let proved = try await prove(actor, proof, from: address, needsCode: needsCode)
        return (try await unlocked(proved.found, proof.password, for: .account(actor.account)), proved)
    }

    /// The keys of an account's root users, as the transaction of `connection` sees them.
    package static func rootKeys(of account: Identifier, in connection: Connection) throws -> [RootKey] {
        try RevealPairTable.all(of: account, connection)
    }

    /// What to seal to.
    package func open(_ key: RootKey) throws -> RevealPublicKey {
        let text = try parts.keys.sealing.open(key.sealed, context: Self.context(ofKeyOf: key.user)).exposed()
        guard let open = RevealPublicKey(text) else { throw DatabaseFailure.malformedRow(column: "public_key") }
        return open
    }

    private static func context(ofKeyOf user: Identifier) -> String { "reveal public key:\(user)" }

    /// Everything that a new password makes, with a new pair of keys.
    func lock(_ password: Password, of user: Identifier, for share: Share) async throws -> PasswordLock {
        let phc = try await parts.argon2.hash(password.secret, for: share)
        return try await lock(
            .generate(parts.entropy), parts.newID(at: parts.clock.now()), phc, password, of: user, for: share)
    }

    /// The same with a pair of keys that there is.
    func lock(
        _ key: RevealPrivateKey, _ id: Identifier, _ phc: PHCString, _ password: Password, of user: Identifier,
        for share: Share
    ) async throws -> PasswordLock {
        let locked = try await LockedRevealPair.lock(
            key, password: password.secret, of: user.description, pool: parts.argon2, share: share,
            keys: parts.keys, entropy: parts.entropy)
        let publicKey = parts.keys.sealing.seal(
            Secret(key.publicKey.text), context: Self.context(ofKeyOf: user), entropy: parts.entropy)
        return PasswordLock(phc: phc, key: id, publicKey: publicKey, privateKey: locked)
    }

    func unlocked(
        _ found: UserTable.Found, _ password: Password, for share: Share
    ) async throws -> RevealPrivateKey? {
        try await found.revealKey?.locked.unlock(
            password: password.secret, of: found.user.id.description, pool: parts.argon2, share: share,
            keys: parts.keys)
    }
}
