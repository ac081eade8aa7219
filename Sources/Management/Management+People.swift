package import Accounts
package import Database
package import Secrets
package import Values

/// The people of an account, and how they come in.
extension Management {
    package func listUsers(
        _ caller: Caller, of account: Identifier, _ page: Page
    ) async throws(Refusal) -> Listing<User> {
        try await perform(.listUsers, caller, in: account) { domains, _ in
            try await domains.accounts.users(of: account, page)
        }
    }

    package func updateUser(
        _ caller: Caller, _ user: Identifier, of account: Identifier, role: Role
    ) async throws(Refusal) -> User {
        let operation: Operation = role == .root ? .updateUserToRoot : .updateUserToMember
        return try await perform(operation, caller, in: account) { domains, actor in
            try await domains.accounts.setRole(role, of: user, in: account, for: actor.user, by: caller.author)
        }
    }

    package func deleteUser(
        _ caller: Caller, _ user: Identifier, of account: Identifier
    ) async throws(Refusal) {
        try await perform(.deleteUser, caller, in: account) { domains, actor in
            try await domains.accounts.remove(user, from: account, for: actor.user, by: caller.author)
        }
    }

    /// - Returns: also the token that the invited person comes in with. It is shown once.
    package func createInvitation(
        _ caller: Caller, to account: Identifier, _ email: EmailAddress, as role: Role
    ) async throws(Refusal) -> (Invitation, Secret) {
        let operation: Operation = role == .root ? .createInvitationOfRoot : .createInvitation
        return try await perform(operation, caller, in: account) { domains, actor in
            try await domains.accounts.invite(email, as: role, to: account, for: actor.user, by: caller.author)
        }
    }

    package func listInvitations(
        _ caller: Caller, to account: Identifier, _ page: Page
    ) async throws(Refusal) -> Listing<Invitation> {
        try await perform(.listInvitations, caller, in: account) { domains, _ in
            try await domains.accounts.invitations(to: account, page)
        }
    }

    package func deleteInvitation(
        _ caller: Caller, _ id: Identifier, to account: Identifier
    ) async throws(Refusal) {
        try await perform(.deleteInvitation, caller, in: account) { domains, _ in
            try await domains.accounts.withdraw(invitation: id, to: account, by: caller.author)
        }
    }

    package func createPasswordReset(
        _ caller: Caller, of user: Identifier, in account: Identifier
    ) async throws(Refusal) -> (PasswordReset, Secret) {
        try await perform(.createPasswordReset, caller, in: account) { domains, _ in
            try await domains.accounts.createPasswordReset(of: user, in: account, by: caller.author)
        }
    }

    package func deleteUserSecondFactor(
        _ caller: Caller, of user: Identifier, in account: Identifier
    ) async throws(Refusal) {
        try await perform(.deleteUserSecondFactor, caller, in: account) { domains, _ in
            try await domains.accounts.removeSecondFactor(of: user, in: account, by: caller.author)
        }
    }
}

// MARK: Coming in

extension Management {
    /// The account of the first admin, where they give it no name.
    package static let firstAccountName = "Operators"

    /// Whether the deployment waits for its first admin.
    package func isWaitingForSetUp() async throws(Refusal) -> Bool {
        try await performOpen(.setUp) { domains in
            guard let firstRun = domains.firstRun else { return false }
            return try await firstRun.isOpen()
        }
    }

    /// Makes the first admin of the deployment.
    package func setUp(
        _ caller: Caller, token: GivenText, email: EmailAddress, password: Password, accountName: DisplayName?
    ) async throws(Refusal) -> User {
        try await performOpen(.setUp) { domains in
            guard let firstRun = domains.firstRun else { throw AccountsError.alreadySetUp }
            guard let name = accountName ?? DisplayName(Self.firstAccountName) else { throw Refusal.notFound }
            let user = try await firstRun.setUp(
                token: token.text, email: email, password: password, accountName: name, by: caller.author)
            guard let user else {
                throw Refusal(
                    .setupTokenInvalid,
                    "The set-up token is wrong. The server prints a new one at each start until the first admin exists."
                )
            }
            return user
        }
    }

    package func acceptInvitation(
        _ caller: Caller, token: GivenText, password: Password
    ) async throws(Refusal) -> User {
        try await performOpen(.acceptInvitation) { domains in
            try await domains.accounts.accept(invitation: token.text, password: password, by: caller.author)
        }
    }

    package func acceptPasswordReset(
        _ caller: Caller, token: GivenText, password: Password
    ) async throws(Refusal) {
        try await performOpen(.acceptPasswordReset) { domains in
            try await domains.accounts.resetPassword(token: token.text, to: password, by: caller.author)
        }
    }
}
