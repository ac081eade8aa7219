package import Audit
package import Database
package import Secrets
package import Values

extension Accounts {
    /// Opens a session. A wrong password and an unknown address take the same path and the same time: one look-up, one
    /// Argon2id, the same error. That a code is missing is said only to who has the password. The hash is of the share
    /// of where it comes from: whose address it names is only a claim.
    /// - Parameter address: where the attempt comes from, for the throttle; `nil` when it can't be known.
    package func signIn(
        email: EmailAddress, _ proof: Proof, from address: IPAddress?, by author: Author
    ) async throws -> (Actor, Secret) {
        let attempt = SignInThrottle.Attempt(from: address, email: email.text)
        let share = Share.address(address)
        return try await retrying {
            // The hash alone, so that there is as much to read for an address that nobody has: what is read beyond it
            // would show in the time (ASVS 6.3.8).
            let phc = try await parts.database.read { try UserTable.phc(ofEmail: email.text, $0) }
            try await hold(proof.password, against: phc, attempt, for: share)
            guard let user = try await parts.database.read({ try UserTable.find(email: email.text, $0) }),
                user.phc.text == phc
            else { throw ProofOutdated() }
            let code = try neededCode(of: user.user, proof.code, attempt)
            let lock = try await renewedLock(user, proof.password, for: share)
            let (token, digest) = newSessionToken()
            let now = parts.clock.now()
            let id = parts.newID(at: now)
            let expiresAt = now.adding(parts.sessions.absolute)
            try await parts.database.write { [parts] connection in
                try Self.checkUnchanged(user, connection)
                if let code { try SecondFactorTable.use(code, of: user.user.id, now, parts, connection) }
                if let lock { try UserTable.setPassword(lock, of: user.user.id, connection) }
                try SessionTable.deleteEnded(now, idle: parts.sessions.idle, connection)
                // The new one comes after: where a clock went back it is not the newest, and it must not be what goes.
                try SessionTable.deleteOldest(of: user.user.id, keeping: SessionSummary.limit - 1, connection)
                try SessionTable.insert(id, digest, user.user.id, now, expiresAt, connection)
                try author.by(user.user.id).record(
                    .sessionCreate, account: user.user.account, object: id.description, at: now, in: connection)
            }
            succeeded(Proved(found: user, code: code, attempt: attempt))
            let session = session(id, lastSeen: now, authenticatedAt: now, expiresAt: expiresAt)
            return (actor(user.user, session), token)
        }
    }

    /// Makes a session fresh. It goes on under a new token; the old one is worth nothing from now on (ASVS 7.2.4).
    package func reauthenticate(
        _ actor: Actor, _ session: Session, _ proof: Proof, from address: IPAddress?, by author: Author
    ) async throws -> (Actor, Secret) {
        try await retrying {
            let proved = try await prove(actor, proof, from: address, needsCode: true)
            let lock = try await renewedLock(proved.found, proof.password, for: .account(actor.account))
            let (token, digest) = newSessionToken()
            let now = parts.clock.now()
            let expiresAt = try await parts.database.write { connection in
                try use(proved, at: now, in: connection)
                if let lock { try UserTable.setPassword(lock, of: actor.user.id, connection) }
                let expiresAt = try Self.renew(session, digest, now, connection)
                try author.record(
                    .sessionReauthenticate, account: actor.account, object: session.id.description, at: now,
                    in: connection)
                return expiresAt
            }
            succeeded(proved)
            let renewed = self.session(session.id, lastSeen: now, authenticatedAt: now, expiresAt: expiresAt)
            return (self.actor(proved.found.user, renewed), token)
        }
    }

    static func renew(
        _ session: Session, _ digest: String, _ now: Timestamp, _ connection: Connection
    ) throws -> Timestamp {
        guard let expiresAt = try SessionTable.renew(session.id, digest, now, connection) else {
            throw AccountsError.sessionEnded
        }
        return expiresAt
    }

    /// What a password locks, made anew where it was made with other parameters than today's; who has become root user
    /// again gets a pair of keys with the next proof. `nil` when all is as it should be.
    private func renewedLock(
        _ found: UserTable.Found, _ password: Password, for share: Share
    ) async throws -> PasswordLock? {
        guard let (id, locked) = found.revealKey else {
            return try await lock(
                .generate(parts.entropy), parts.newID(at: parts.clock.now()), found.phc, password, of: found.user.id,
                for: share)
        }
        guard parts.argon2.needsRehash(found.phc) || locked.needsRelock(parts.argon2) else { return nil }
        guard let key = try await unlocked(found, password, for: share) else { return nil }
        let phc = try await parts.argon2.hash(password.secret, for: share)
        return try await lock(key, id, phc, password, of: found.user.id, for: share)
    }

    // MARK: Sessions

    /// Who a session token belongs to; `nil` when it is none or has ended. Using a session keeps it from going idle.
    package func actor(sessionToken: Secret) async throws -> Actor? {
        let digest = parts.keys.lookupDigest(of: sessionToken, purpose: "session")
        let now = parts.clock.now()
        guard let row = try await parts.database.read({ try SessionTable.find(digest, $0) }) else { return nil }
        let idleEnd = row.lastSeen.adding(parts.sessions.idle)
        guard !(row.expiresAt as Timestamp?).isExpired(at: now), !(idleEnd as Timestamp?).isExpired(at: now),
            // What a clock that was ahead has begun or prolonged would go on for as long as that.
            row.lastSeen.hasBeen(at: now)
        else { return nil }
        var lastSeen = row.lastSeen
        // To a tenth of the idle time is enough, and spares a write with every call.
        if row.lastSeen.adding(parts.sessions.idle / 10) < now {
            try await parts.database.write { try SessionTable.touch(row.id, now, $0) }
            lastSeen = now
        }
        return actor(
            row.user,
            session(row.id, lastSeen: lastSeen, authenticatedAt: row.authenticatedAt, expiresAt: row.expiresAt))
    }

    /// Ends a session; its token is worth nothing from the next call on.
    package func signOut(_ session: Session) async throws {
        try await parts.database.write { try SessionTable.delete(session.id, $0) }
    }

    /// One's own, the newest first.
    package func sessions(of user: Identifier, _ page: Page) async throws -> Listing<SessionSummary> {
        let now = parts.clock.now()
        return try await parts.database.read { [idle = parts.sessions.idle] in
            Listing(try SessionTable.page(of: user, page, now, idle: idle, $0), page, id: \.id)
        }
    }

    /// Ends one of one's own sessions.
    package func endSession(_ id: Identifier, of user: Identifier) async throws {
        guard try await parts.database.write({ try SessionTable.delete(id, of: user, $0) }) == 1 else {
            throw AccountsError.notFound
        }
    }

    private func actor(_ user: User, _ session: Session) -> Actor {
        Actor(user: user, scopes: Set(Scope.allCases.filter { $0.isOpen(to: user) }), session: session)
    }

    private func session(
        _ id: Identifier, lastSeen: Timestamp, authenticatedAt: Timestamp, expiresAt: Timestamp
    ) -> Session {
        Session(
            id: id, expiresAt: expiresAt, idleExpiresAt: min(expiresAt, lastSeen.adding(parts.sessions.idle)),
            provedAt: authenticatedAt, freshUntil: min(expiresAt, authenticatedAt.adding(Session.freshness)),
            csrfToken: parts.keys.csrfToken(for: id.description))
    }

    /// Always a new token, never one that was there before: nothing to fixate (CVE-2026-7507).
    func newSessionToken() -> (Secret, digest: String) {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        let text = Secret.random(32, from: parts.entropy).withBytes { bytes in
            // 6 bits of each byte: 32 bytes give 192 random bits in 32 characters.
            Secret(bytes.map { digits[Int($0 & 0x3F)] })
        }
        return (text, parts.keys.lookupDigest(of: text, purpose: "session"))
    }
}
