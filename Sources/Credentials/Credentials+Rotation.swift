import Accounts
package import Audit
import Database
import Policy
package import Secrets
package import Values

/// A new secret for the same key: its limits, its terms and its history stay.
extension Credentials {
    /// How long the old secret may go on working at most.
    package static let longestOverlap: Duration = .seconds(30 * 86_400)

    /// Replaces the secret. The old one works until the overlap ends; without an overlap, every older one ends at once.
    /// - Parameter leak: where the old secret was found, when that is why.
    /// - Returns: the key, and its new secret for the one answer that carries it.
    package func rotate(
        _ id: Identifier, of account: Identifier, overlap: Duration, leak: OptionalName? = nil, by author: Author
    ) async throws -> (Credential, Secret) {
        let now = clock.now()
        var draft = try await database.read { connection in
            let old = try find(id, of: account, now, connection)
            try checkRotation(of: old, overlap, now, connection)
            return old
        }
        let minted = format.mint(entropy)
        let phc = try await argon2.hash(minted.secret, for: .account(account))
        draft.secret = KeySecret(minted, at: now)
        let copies = draft.reveal == .showOnce ? [] : try await copies(minted.secret, of: draft)
        let (old, new) = try await database.write { connection in
            let old = try find(id, of: account, now, connection)
            try checkRotation(of: old, overlap, now, connection)
            let new = try replaceSecret(of: old, with: minted, phc, copies, overlap, now, connection)
            try CredentialDayTable.countRotation(of: account, day: now.day, connection)
            if let leak { try Self.record(leak, of: old, author, now, connection) }
            try author.record(
                .credentialRotate, account: account, object: id.description,
                detail: ["overlap_seconds": String(overlap.components.seconds), "hint": minted.hint], at: now,
                in: connection)
            return (old, new)
        }
        forget(old, ended: [old.retiring, overlap > .zero ? nil : old.secret])
        verifier.remember(minted.presented)
        return (withLatestUse(new), minted.secret)
    }

    private func replaceSecret(
        of old: Credential, with minted: MintedToken, _ phc: PHCString, _ copies: [SealedCopy], _ overlap: Duration,
        _ now: Timestamp, _ connection: Connection
    ) throws -> Credential {
        guard let oldPHC = try CredentialTable.phc(of: old, connection) else { throw CredentialsError.notFound }
        var new = withLatestUse(old)
        new.secret = KeySecret(minted, at: now)
        new.retiring = nil
        new.updatedAt = now
        try RetiringSecretTable.delete(of: old.id, connection)
        try CredentialTable.setSecret(new.secret, phc, of: new, connection)
        if overlap > .zero {
            let end = now.adding(overlap)
            try RetiringSecretTable.insert(old.secret, oldPHC, until: end, of: old.id, connection)
            new.retiring = KeySecret(
                id: old.secret.id, hint: old.secret.hint, createdAt: old.secret.createdAt,
                lastUsedAt: old.secret.lastUsedAt, endsAt: end)
        } else {
            // What had leaked opens nothing any more.
            new.leakReportedAt = nil
        }
        try CredentialTable.update(new, connection)
        if old.reveal != .showOnce {
            try SealedCopyTable.delete(of: old.id, connection)
            try insert(copies, of: minted.secret, new, connection)
            new.reveal = .available
        }
        return new
    }

    private func checkRotation(
        of old: Credential, _ overlap: Duration, _ now: Timestamp, _ connection: Connection
    ) throws {
        if overlap > .zero, let end = old.retiring?.endsAt { throw CredentialsError.rotationInProgress(until: end) }
        if old.reveal != .showOnce {
            try Self.checkRevealable(try Accounts.account(old.account, in: connection), connection)
        }
        let today = try CredentialDayTable.counts(of: old.account, day: now.day, connection)
        if today.rotated >= DailyRotations.limit {
            throw CredentialsError.dailyRotationLimitReached(
                DailyRotations.limit, retryAfterSeconds: Int(now.seconds(toEndOf: today.day)))
        }
    }

    /// Ends the old secret of a rotation before its time. When this returns, the next call with it is refused.
    package func retire(_ id: Identifier, of account: Identifier, by author: Author) async throws -> Credential {
        let now = clock.now()
        let (old, new) = try await database.write { connection in
            let old = try find(id, of: account, now, connection)
            guard let retiring = old.retiring else { throw CredentialsError.nothingToRetire }
            // A use of it that is not written down yet would go with it.
            var new = withLatestUse(old)
            new.retiring = nil
            new.updatedAt = now
            if let leak = old.leakReportedAt, leak < old.secret.createdAt { new.leakReportedAt = nil }
            try RetiringSecretTable.delete(of: id, connection)
            try CredentialTable.update(new, connection)
            try author.record(
                .credentialRetire, account: account, object: id.description, detail: ["hint": retiring.hint], at: now,
                in: connection)
            return (old, new)
        }
        forget(old, ended: [old.retiring])
        return withLatestUse(new)
    }

    // MARK: Leaks

    /// The live key of this account that a found token is.
    package func find(leaked token: String, of account: Identifier) async throws -> Credential {
        guard let presented = format.parse(token), format.isGenuine(presented),
            let record = try await records.value(presented.id), record.account == account,
            !record.isOver(at: clock.now()),
            try await verifier.verify(presented, against: record.phc, for: .account(account))
        else { throw CredentialsError.notFound }
        return try await find(record.credential, of: account)
    }

    /// Switches a key off whose secret was found where it must not be. While a report stands and the key is off, another
    /// one changes nothing and writes nothing, whatever its source: this goes at whatever rate.
    /// - Parameter source: where it was found, as the reporter says.
    package func disable(
        leaked id: Identifier, of account: Identifier, source: OptionalName, by author: Author
    ) async throws -> Credential {
        let now = clock.now()
        let credential = try await database.write { connection in
            let old = try find(id, of: account, now, connection)
            if !old.isEnabled, old.isLeakReported(at: now) { return old }
            var new = old
            new.leakReportedAt = now
            new.isEnabled = false
            new.updatedAt = now
            try CredentialTable.update(new, connection)
            try Self.record(source, of: old, author, now, connection)
            if old.isEnabled {
                try author.record(
                    .credentialDisable, account: account, object: id.description, at: now, in: connection)
            }
            return new
        }
        forget(credential)
        return withLatestUse(credential)
    }

    private static func record(
        _ leak: OptionalName, of credential: Credential, _ author: Author, _ now: Timestamp, _ connection: Connection
    ) throws {
        try author.record(
            .credentialLeak, account: credential.account, object: credential.id.description,
            detail: leak.text.isEmpty ? [:] : ["source": leak.text], at: now, in: connection)
    }
}

extension Credential {
    /// Whether a report stands that is as late as the newest secret. That secret may be of a clock that was ahead; then
    /// any report is.
    fileprivate func isLeakReported(at now: Timestamp) -> Bool {
        guard let leakReportedAt else { return false }
        return leakReportedAt >= secret.createdAt || !secret.createdAt.hasBeen(at: now)
    }
}
