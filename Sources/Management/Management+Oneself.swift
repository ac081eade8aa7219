package import Accounts
package import Database
package import Secrets
package import Values

/// A session that has just begun, with the token that carries it. The token is shown once.
package struct OpenedSession: Sendable {
    package let user: User
    package let session: Session
    package let token: Secret
}

/// What people do with their own sign-ins, passwords, second factors and platform tokens.
extension Management {
    package func createSession(
        _ caller: Caller, email: EmailAddress, _ proof: Proof
    ) async throws(Refusal) -> OpenedSession {
        try await performOpen(.createSession) { domains in
            let (actor, token) = try await domains.accounts.signIn(
                email: email, proof, from: caller.address, by: caller.author)
            return OpenedSession(user: actor.user, session: try actor.person(), token: token)
        }
    }

    package func getSession(_ caller: Caller) async throws(Refusal) -> (User, Session) {
        try await perform(.getSession, caller) { _, actor in (actor.user, try actor.person()) }
    }

    /// Proves once more who one is: a new session in place of the one before, fresh for a few minutes.
    package func reauthenticate(_ caller: Caller, _ proof: Proof) async throws(Refusal) -> OpenedSession {
        try await perform(.reauthenticate, caller) { domains, actor in
            let (actor, token) = try await domains.accounts.reauthenticate(
                actor, try actor.person(), proof, from: caller.address, by: caller.author)
            return OpenedSession(user: actor.user, session: try actor.person(), token: token)
        }
    }

    /// - Returns: also the id of the session that asks.
    package func listSessions(
        _ caller: Caller, _ page: Page
    ) async throws(Refusal) -> (Listing<SessionSummary>, current: Identifier) {
        try await perform(.listSessions, caller) { domains, actor in
            (try await domains.accounts.sessions(of: actor.user.id, page), try actor.person().id)
        }
    }

    package func endSession(_ caller: Caller, _ id: Identifier) async throws(Refusal) {
        try await perform(.endSession, caller) { domains, actor in
            try await domains.accounts.endSession(id, of: actor.user.id)
        }
    }

    package func deleteSession(_ caller: Caller) async throws(Refusal) {
        try await perform(.deleteSession, caller) { domains, actor in
            try await domains.accounts.signOut(try actor.person())
        }
    }

    package func getCurrentUser(_ caller: Caller) async throws(Refusal) -> User {
        try await perform(.getCurrentUser, caller) { _, actor in actor.user }
    }

    /// - Returns: the token of the new session; every other one of the user has ended.
    package func changePassword(
        _ caller: Caller, _ proof: Proof, to new: Password
    ) async throws(Refusal) -> Secret {
        try await perform(.changePassword, caller) { domains, actor in
            do {
                return try await domains.accounts.changePassword(
                    of: actor, try actor.person(), proof, to: new, from: caller.address, by: caller.author)
            } catch AccountsError.weakPassword(let rule) {
                throw Refusal.invalid("new_password", rule)
            }
        }
    }

    // MARK: Second factor

    package func beginTotp(_ caller: Caller) async throws(Refusal) -> (TOTP, User) {
        try await perform(.beginTotp, caller) { domains, actor in
            (try await domains.accounts.beginSecondFactor(of: actor.user), actor.user)
        }
    }

    /// - Returns: recovery codes, which are shown once.
    package func confirmTotp(_ caller: Caller, _ code: SecondFactorCode) async throws(Refusal) -> [Secret] {
        try await perform(.confirmTotp, caller) { domains, actor in
            try await domains.accounts.confirmSecondFactor(
                of: actor.user, try actor.person(), code, by: caller.author)
        }
    }

    package func deleteTotp(_ caller: Caller) async throws(Refusal) {
        try await perform(.deleteTotp, caller) { domains, actor in
            try await domains.accounts.removeSecondFactor(of: actor.user.id, in: actor.account, by: caller.author)
        }
    }

    package func createRecoveryCodes(_ caller: Caller) async throws(Refusal) -> [Secret] {
        try await perform(.createRecoveryCodes, caller) { domains, actor in
            try await domains.accounts.renewRecoveryCodes(of: actor.user, by: caller.author)
        }
    }

    // MARK: Platform tokens

    package func listPlatformTokens(_ caller: Caller, _ page: Page) async throws(Refusal) -> Listing<PlatformToken> {
        try await perform(.listPlatformTokens, caller) { domains, actor in
            try await domains.accounts.tokens(of: actor.user.id, page)
        }
    }

    /// - Returns: also the token, which is shown once.
    package func createPlatformToken(
        _ caller: Caller, name: DisplayName, scopes: [Scope], expiresAt: Timestamp?
    ) async throws(Refusal) -> (PlatformToken, Secret) {
        try await perform(.createPlatformToken, caller) { domains, actor in
            if scopes.isEmpty { throw Refusal.invalid("scopes", "must be an array of at least one scope") }
            return try await domains.accounts.issueToken(
                name: name, scopes: scopes, expiresAt: expiresAt, for: actor.user, by: caller.author)
        }
    }

    package func deletePlatformToken(_ caller: Caller, _ id: Identifier) async throws(Refusal) {
        try await perform(.deletePlatformToken, caller) { domains, actor in
            try await domains.accounts.deleteToken(id, of: actor.user, by: caller.author)
        }
    }
}
