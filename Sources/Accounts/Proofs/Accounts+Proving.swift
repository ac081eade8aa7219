package import Database
import Secrets
package import Values

/// Holding what a person proves against what is known of them.
extension Accounts {
    /// Once more when what the proof was held against has changed meanwhile: a hash that another sign-in has made anew
    /// fits the same password, a password that was changed does not.
    func retrying<T>(_ work: () async throws -> T) async throws -> T {
        do {
            return try await work()
        } catch is ProofOutdated {
            do {
                return try await work()
            } catch is ProofOutdated {
                throw AccountsError.signInFailed
            }
        }
    }

    /// A proof that was right but for its code, if it had one: that is used up with what the proof was for.
    package struct Proved: Sendable {
        let found: UserTable.Found
        let code: SecondFactorCode?
        let attempt: SignInThrottle.Attempt
    }

    /// Holds a proof against the user of an actor, throttled as a sign-in. That a code is missing or that there were too
    /// many is no news to who has a session, so it is said before anything is hashed.
    func prove(
        _ actor: Actor, _ proof: Proof, from address: IPAddress?, needsCode: Bool
    ) async throws -> Proved {
        let attempt = SignInThrottle.Attempt(from: address, email: actor.user.email)
        let found = try await parts.database.read { try UserTable.find(actor.user.id, of: actor.account, $0) }
        guard let found else { throw AccountsError.sessionEnded }
        if found.user.hasSecondFactor {
            if needsCode, proof.code == nil { throw AccountsError.secondFactorRequired }
            if case .digits = proof.code?.kind {
                try codeThrottle.check(SignInThrottle.Attempt(codeOf: found.user.id), now: parts.clock.now())
            }
        }
        try await hold(proof.password, against: found.phc.text, attempt, for: .account(actor.account))
        let code = needsCode || proof.code != nil ? try neededCode(of: found.user, proof.code, attempt) : nil
        return Proved(found: found, code: code, attempt: attempt)
    }

    /// - Parameter phc: of a hash; `nil` where there is no user.
    func hold(
        _ password: Password, against phc: String?, _ attempt: SignInThrottle.Attempt, for share: Share
    ) async throws {
        try throttle.begin(attempt, now: parts.clock.now())
        guard let hash = PHCString(phc ?? decoy) else {
            throw DatabaseFailure.malformedRow(column: "password_phc")
        }
        let isRight: Bool
        do {
            isRight = try await parts.argon2.verify(password.secret, against: hash, for: share)
        } catch {
            // Nothing was tried.
            throttle.takeBack(attempt)
            throw error
        }
        guard isRight, phc != nil else { throw AccountsError.signInFailed }
    }

    /// The code that has to be right beside the password; `nil` for a user without a second factor.
    func neededCode(
        of user: User, _ code: SecondFactorCode?, _ attempt: SignInThrottle.Attempt
    ) throws(AccountsError) -> SecondFactorCode? {
        guard user.hasSecondFactor else { return nil }
        guard let code else {
            // The first of the two steps that a page makes of it; the second is counted by itself.
            throttle.succeeded(attempt)
            throw .secondFactorRequired
        }
        // Recovery codes are too long to be guessed, and the way in for an owner whom somebody with the password shuts
        // out.
        if case .digits = code.kind {
            try codeThrottle.begin(SignInThrottle.Attempt(codeOf: user.id), now: parts.clock.now())
        }
        return code
    }

    /// Uses a proof up, in the transaction of what it was for.
    package func use(_ proved: Proved, at now: Timestamp, in connection: Connection) throws {
        try Self.checkUnchanged(proved.found, connection)
        if let code = proved.code {
            try SecondFactorTable.use(code, of: proved.found.user.id, now, parts, connection)
        }
    }

    /// What was proved is proved for what was read: a change that was committed meanwhile, or the removal of the user,
    /// undoes it.
    static func checkUnchanged(_ found: UserTable.Found, _ connection: Connection) throws {
        let now = try UserTable.find(found.user.id, of: found.user.account, connection)
        guard let now, now.phc.text == found.phc.text, now.revealKey?.id == found.revealKey?.id,
            now.user.hasSecondFactor == found.user.hasSecondFactor
        else { throw ProofOutdated() }
    }

    /// After its commit.
    package func succeeded(_ proved: Proved) {
        throttle.succeeded(proved.attempt)
        if case .digits = proved.code?.kind {
            codeThrottle.succeeded(SignInThrottle.Attempt(codeOf: proved.found.user.id))
        }
    }
}
