import Database
import Policy
package import Secrets

extension Accounts {
    /// Opens a session. A wrong password and an unknown address take the same path and the same time: one look-up, one
    /// Argon2id, the same error.
    /// - Parameter peer: where the attempt comes from, for the throttle.
    package func signIn(email: EmailAddress, password: Password, peer: String) async throws -> (Actor, Secret) {
        let attempt = SignInThrottle.Attempt(peer: peer, email: email.text)
        try throttle.begin(attempt, now: parts.clock.now())
        let found = try await parts.database.read { try UserTable.find(email: email.text, $0) }
        let isRight = try await parts.argon2.verify(password.secret, against: found?.phc ?? parts.argon2.decoy)
        guard let found, isRight else { throw AccountsError.signInFailed }
        throttle.succeeded(attempt)
        let rehashed = parts.argon2.needsRehash(found.phc) ? try await parts.argon2.hash(password.secret) : nil
        // Always a new token, never one that was there before: nothing to fixate (CVE-2026-7507).
        let token = Secret.random(32, from: parts.entropy)
        let text = Secret(base64URL(token))
        let now = parts.clock.now()
        let id = parts.newID(at: now)
        let digest = parts.keys.lookupDigest(of: text, purpose: "session")
        let expiresAt = now.adding(parts.sessions.absolute)
        try await parts.database.write { connection in
            if let rehashed { try UserTable.setPassword(rehashed, of: found.user.id, connection) }
            try SessionTable.deleteEnded(now, idle: parts.sessions.idle, connection)
            try SessionTable.insert(id, digest, found.user.id, now, expiresAt, connection)
        }
        return (actor(found.user, session(id, lastSeen: now, expiresAt: expiresAt)), text)
    }

    /// Who a session token belongs to; `nil` when it is none or has ended. Using a session keeps it from going idle.
    package func actor(sessionToken: Secret) async throws -> Actor? {
        let digest = parts.keys.lookupDigest(of: sessionToken, purpose: "session")
        let now = parts.clock.now()
        guard let row = try await parts.database.read({ try SessionTable.find(digest, $0) }) else { return nil }
        let idleEnd = row.lastSeen.adding(parts.sessions.idle)
        guard !(row.expiresAt as Timestamp?).isExpired(at: now), !(idleEnd as Timestamp?).isExpired(at: now) else {
            return nil
        }
        var lastSeen = row.lastSeen
        // To a tenth of the idle time is enough, and spares a write with every call.
        if row.lastSeen.adding(parts.sessions.idle / 10) < now {
            try await parts.database.write { try SessionTable.touch(row.id, now, $0) }
            lastSeen = now
        }
        return actor(row.user, session(row.id, lastSeen: lastSeen, expiresAt: row.expiresAt))
    }

    /// Ends a session; its token is worth nothing from the next call on.
    package func signOut(_ session: Session) async throws {
        try await parts.database.write { try SessionTable.delete(session.id, $0) }
    }

    private func actor(_ user: User, _ session: Session) -> Actor {
        Actor(user: user, scopes: Set(Scope.allCases.filter { user.isAdmin || !$0.needsAdmin }), session: session)
    }

    private func session(_ id: Identifier, lastSeen: Timestamp, expiresAt: Timestamp) -> Session {
        Session(
            id: id, expiresAt: expiresAt, idleExpiresAt: min(expiresAt, lastSeen.adding(parts.sessions.idle)),
            csrfToken: parts.keys.csrfToken(for: id.description))
    }

    private func base64URL(_ secret: Secret) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        return secret.withBytes { bytes in
            // 6 bits of each byte: 32 bytes give 192 random bits in 32 characters.
            String(decoding: bytes.map { digits[Int($0 & 0x3F)] }, as: UTF8.self)
        }
    }
}
