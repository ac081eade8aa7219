import Audit
import Database
package import Policy
package import Secrets

/// How people come in: the first admin, and everybody after by invitation.
extension Accounts {
    // MARK: The first admin

    package func isEmpty() async throws -> Bool { try await parts.database.read { try !UserTable.isAnyone($0) } }

    /// Creates an account and its root user with the admin flag. For the command line, which has the data directory in
    /// its hands already, and for first-run set-up.
    /// - Parameters:
    ///   - onlyFirst: refuse when there is any user.
    ///   - address: of who asks over HTTP; empty for the command line.
    package func createAdmin(
        email: EmailAddress, password: Password, accountName: DisplayName, onlyFirst: Bool, from address: String = ""
    ) async throws -> User {
        if onlyFirst, try await !isEmpty() { throw AccountsError.alreadySetUp }
        try password.check(email: email)
        let phc = try await parts.argon2.hash(password.secret)
        let account = newAccount(AccountDraft(name: accountName, cap: .standard))
        let user = newUser(email, in: account.id, isAdmin: true)
        let origin = Origin(actor: nil, address: address, entropy: parts.entropy)
        return try await AccountsError.naming {
            try await parts.database.write { connection in
                if onlyFirst, try UserTable.isAnyone(connection) { throw AccountsError.alreadySetUp }
                try AccountTable.insert(account, connection)
                try UserTable.insert(user, phc, connection)
                try Audit.record(Self.entry(account, origin), in: connection)
                return user
            }
        }
    }

    // MARK: Invitations

    /// Invites the root user of an account. An older invitation to the same address stops working.
    package func invite(_ email: EmailAddress, to account: Identifier) async throws -> (Invitation, Secret) {
        let minted = invitations.mint(parts.entropy)
        let now = parts.clock.now()
        let invitation = Invitation(
            id: parts.newID(at: now), account: account, email: email.text, expiresAt: now.adding(Invitation.lifetime))
        let digest = parts.keys.lookupDigest(of: minted.secret, purpose: "invitation")
        try await parts.database.write { connection in
            guard try AccountTable.find(account, connection) != nil else { throw AccountsError.notFound }
            guard try UserTable.find(email: email.text, connection) == nil else { throw AccountsError.emailTaken }
            try InvitationTable.replace(invitation, digest, now, connection)
        }
        return (invitation, minted.secret)
    }

    /// Uses an invitation up. The password is hashed only for one that is good, so a guess costs no Argon2.
    package func accept(invitation token: String, password: Password) async throws -> User {
        guard let presented = invitations.parse(token), invitations.isGenuine(presented) else {
            throw AccountsError.invitationInvalid
        }
        let digest = parts.keys.lookupDigest(of: Secret(token), purpose: "invitation")
        let now = parts.clock.now()
        guard let invitation = try await parts.database.read({ try InvitationTable.find(digest, now, $0) }),
            let email = EmailAddress(invitation.email)
        else { throw AccountsError.invitationInvalid }
        try password.check(email: email)
        let phc = try await parts.argon2.hash(password.secret)
        let user = newUser(email, in: invitation.account, isAdmin: false)
        return try await AccountsError.naming {
            try await parts.database.write { connection in
                guard try InvitationTable.delete(digest, now, connection) == 1 else {
                    throw AccountsError.invitationInvalid
                }
                try UserTable.insert(user, phc, connection)
                return user
            }
        }
    }

    private func newUser(_ email: EmailAddress, in account: Identifier, isAdmin: Bool) -> User {
        let now = parts.clock.now()
        return User(id: parts.newID(at: now), account: account, email: email.text, isAdmin: isAdmin, createdAt: now)
    }
}
