package import Audit
import Database
package import Secrets
import Values

/// The way back for an admin who has lost the way in.
extension Accounts {
    /// What came of a recovery.
    package struct Recovery: Sendable {
        package let reset: PasswordReset
        /// For the operator's terminal.
        package let token: Secret
        /// Whether signing in takes a code of the second factor all the same.
        package let needsSecondFactor: Bool
    }

    /// Makes a way to a new password for an admin. For whoever has the data directory in their hands, and so could do
    /// anything with it: no password is asked for.
    /// - Parameter removingSecondFactor: whether the second factor goes as well, for who has lost that too.
    package func recover(
        _ email: EmailAddress, removingSecondFactor: Bool, by author: Author
    ) async throws -> Recovery {
        let now = parts.clock.now()
        let minted = resets.mint(parts.entropy)
        let digest = parts.keys.lookupDigest(of: minted.secret, purpose: "password reset")
        return try await parts.database.write { [parts] connection in
            guard let user = try UserTable.find(email: email.text, connection)?.user else {
                throw AccountsError.notFound
            }
            guard user.isAdmin else { throw AccountsError.adminOnly }
            if removingSecondFactor, !user.hasSecondFactor { throw AccountsError.noSecondFactor }
            let reset = PasswordReset(
                id: parts.newID(at: now), user: user.id, expiresAt: now.adding(PasswordReset.lifetime))
            try PasswordResetTable.replace(reset, digest, now, connection)
            func record(_ action: AuditEntry.Action) throws {
                try author.record(
                    action, account: user.account, object: user.id.description, at: now, in: connection)
            }
            try record(.passwordResetCreate)
            if removingSecondFactor {
                try SecondFactorTable.remove(of: user.id, connection)
                try record(.secondFactorRemove)
            }
            return Recovery(
                reset: reset, token: minted.secret,
                needsSecondFactor: user.hasSecondFactor && !removingSecondFactor)
        }
    }
}
