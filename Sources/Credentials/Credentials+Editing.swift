import Accounts
import Applications
package import Audit
import Catalog
import Database
import Policy
package import Values

/// Changes of a key's terms, and whether it works at all.
extension Credentials {
    /// Binds the very next call; what changes nothing writes nothing. What brings a key back that holds no slot, or that was switched off while the cap was
    /// lowered, needs a slot as a new key does.
    package func edit(
        _ id: Identifier, of account: Identifier, _ edit: CredentialEdit, by author: Author
    ) async throws -> Credential {
        let now = clock.now()
        if case .some(let expiry) = edit.expiresAt, expiry.isExpired(at: now) { throw CredentialsError.expiryInPast }
        let credential = try await database.write { connection in
            let old = try find(id, of: account, now, connection)
            var new = old
            edit.apply(to: &new)
            let owner = try Accounts.account(account, in: connection)
            if new.terms.group != old.terms.group { try Self.checkGroup(new.terms.group, of: owner, connection) }
            if case .some(.some) = edit.models {
                let app = try Applications.application(old.application, of: account, in: connection)
                if let app { try Self.checkModels(new.terms.models, app.rules) }
            }
            new.terms = new.terms.withoutRepetitions
            if new.isRevived(from: old, at: now) { try Self.checkSlot(for: old, owner, now, connection) }
            let changes = new.changes(from: old)
            if changes.isEmpty, new.isEnabled == old.isEnabled { return old }
            new.updatedAt = now
            try CredentialTable.update(new, connection)
            try Self.record(changes, new, from: old, author, connection)
            return new
        }
        forget(credential)
        return withLatestUse(credential)
    }

    private static func checkSlot(
        for old: Credential, _ owner: Account, _ now: Timestamp, _ connection: Connection
    ) throws {
        let live = try CredentialTable.countLive(of: owner.id, now, connection)
        let others = old.terms.expiresAt.isExpired(at: now) ? live : live - 1
        // The day's creations are not at stake: nothing is created.
        if case .capReached(let cap) = Policy.mayCreate(live: others, cap: owner.cap, createdToday: 0) {
            throw CredentialsError.capReached(cap.value)
        }
    }

    /// To switch a key off and on are acts of their own; a request that does more than that leaves two entries.
    private static func record(
        _ changes: Changes, _ new: Credential, from old: Credential, _ author: Author, _ connection: Connection
    ) throws {
        func record(_ action: AuditEntry.Action, _ detail: [String: String]) throws {
            try author.record(
                action, account: new.account, object: new.id.description, detail: detail, at: new.updatedAt,
                in: connection)
        }
        if !changes.isEmpty { try record(.credentialEdit, changes.detail) }
        if new.isEnabled != old.isEnabled { try record(new.isEnabled ? .credentialEnable : .credentialDisable, [:]) }
    }
}

extension Credential {
    /// Whether it may work now and might not have before.
    fileprivate func isRevived(from old: Credential, at now: Timestamp) -> Bool {
        func works(_ credential: Credential) -> Bool {
            credential.isEnabled && !credential.terms.expiresAt.isExpired(at: now)
        }
        let holdsSlotAnew = old.terms.expiresAt.isExpired(at: now) && !terms.expiresAt.isExpired(at: now)
        return holdsSlotAnew || (works(self) && !works(old))
    }
}
