package import Audit
import Database
package import Secrets
package import Values

/// Codes from an authenticator app (RFC 6238) beside the password.
extension Accounts {
    /// Begins an enrolment: a new secret, which stands for nothing until a code made from it has come back.
    package func beginSecondFactor(of user: User) async throws -> TOTP {
        let totp = TOTP.random(parts.entropy)
        let sealed = parts.keys.sealing.seal(
            totp.secret, context: SecondFactorTable.context(user.id), entropy: parts.entropy)
        try await parts.database.write { connection in
            guard try SecondFactorTable.secret(of: user.id, connection) == nil else {
                throw AccountsError.secondFactorSet
            }
            try SecondFactorTable.setDraft(sealed, of: user.id, connection)
        }
        return totp
    }

    /// Ends an enrolment. From now on signing in takes a code; other sessions end.
    /// - Returns: the recovery codes, for the one answer that carries them.
    package func confirmSecondFactor(
        of user: User, _ session: Session, _ code: SecondFactorCode, by author: Author
    ) async throws -> [Secret] {
        let (codes, digests) = newRecoveryCodes()
        let now = parts.clock.now()
        try codeThrottle.begin(SignInThrottle.Attempt(codeOf: user.id), now: now)
        try await parts.database.write { [parts] connection in
            guard let sealed = try SecondFactorTable.draft(of: user.id, connection) else {
                throw AccountsError.noEnrolment
            }
            let totp = try SecondFactorTable.open(sealed, of: user.id, parts)
            guard case .digits(let digits) = code.kind,
                let step = totp.step(matching: digits.exposed(), at: now.seconds, after: nil)
            else { throw AccountsError.wrongCode }
            try SecondFactorTable.set(sealed, step: step, of: user.id, connection)
            try SecondFactorTable.setRecoveryCodes(digests, of: user.id, connection)
            // Whoever else is signed in has shown no code, and could take the second factor away again.
            try SessionTable.deleteAll(of: user.id, but: session.id, connection)
            try author.record(
                .secondFactorSet, account: user.account, object: user.id.description, at: now, in: connection)
        }
        codeThrottle.succeeded(SignInThrottle.Attempt(codeOf: user.id))
        return codes
    }

    /// Takes the second factor away, by its owner or by an admin for who has lost it.
    package func removeSecondFactor(of user: Identifier, in account: Identifier, by author: Author) async throws {
        let now = parts.clock.now()
        try await parts.database.write { connection in
            guard let found = try UserTable.find(user, of: account, connection) else { throw AccountsError.notFound }
            guard found.user.hasSecondFactor else { throw AccountsError.noSecondFactor }
            try SecondFactorTable.remove(of: user, connection)
            try author.record(
                .secondFactorRemove, account: account, object: user.description, at: now, in: connection)
        }
    }

    /// New recovery codes; the old ones stop working.
    package func renewRecoveryCodes(of user: User, by author: Author) async throws -> [Secret] {
        let (codes, digests) = newRecoveryCodes()
        let now = parts.clock.now()
        try await parts.database.write { connection in
            guard try SecondFactorTable.secret(of: user.id, connection) != nil else {
                throw AccountsError.noSecondFactor
            }
            try SecondFactorTable.setRecoveryCodes(digests, of: user.id, connection)
            try author.record(
                .recoveryCodesCreate, account: user.account, object: user.id.description, at: now, in: connection)
        }
        return codes
    }

    private func newRecoveryCodes() -> (codes: [Secret], digests: [String]) {
        let codes = (0..<10).map { _ in RecoveryCode.mint(parts.entropy) }
        return (codes, codes.map { parts.keys.lookupDigest(of: $0, purpose: "recovery code") })
    }
}
