import Audit
import Crypto
import Database
import Secrets
import TestSupport
import Values

@testable import Accounts

extension AccountsHouse {
    /// Somebody else in an account, by one of its root users if nobody else is named.
    func join(_ account: Identifier, _ email: String, as role: Role, for actor: User? = nil) async throws -> User {
        let host = try await accounts.users(of: account, Page(limit: 100)).items.first { $0.role == .root }
        let (_, token) = try await accounts.invite(
            good(email), as: role, to: account, for: actor ?? host ?? .operator, by: .test)
        return try await accounts.accept(invitation: token.exposed(), password: good(goodPassword), by: .test)
    }

    /// Signs in, with a code if need be.
    func enter(
        _ user: User, _ password: String = goodPassword, code: SecondFactorCode? = nil, from peer: String = "192.0.2.1"
    ) async throws -> Entered {
        let (actor, token) = try await accounts.signIn(
            email: good(user.email), Proof(password: good(password), code: code), from: IPAddress(peer), by: .test)
        guard let session = actor.session else { throw BadText(text: "no session") }
        return Entered(actor: actor, session: session, token: token)
    }

    struct Entered: Sendable {
        let actor: Actor
        let session: Session
        let token: Secret
    }

    func reauthenticate(
        _ entered: Entered, _ password: String = goodPassword, code: SecondFactorCode? = nil,
        from peer: String = "192.0.2.1"
    ) async throws -> Entered {
        let (actor, token) = try await accounts.reauthenticate(
            entered.actor, entered.session, Proof(password: good(password), code: code), from: IPAddress(peer),
            by: .test)
        guard let session = actor.session else { throw BadText(text: "no session") }
        return Entered(actor: actor, session: session, token: token)
    }

    @discardableResult
    func changePassword(
        _ entered: Entered, from old: String = goodPassword, to new: String, code: SecondFactorCode? = nil
    ) async throws -> Secret {
        try await accounts.changePassword(
            of: entered.actor, entered.session, Proof(password: good(old), code: code), to: good(new),
            from: IPAddress("192.0.2.1"), by: .test)
    }

    func resetToken(of user: User) async throws -> String {
        try await accounts.createPasswordReset(of: user.id, in: user.account, by: .test).1.exposed()
    }

    func isAlive(_ token: Secret) async throws -> Bool { try await accounts.actor(sessionToken: token) != nil }

    // MARK: Second factors

    /// A user with an authenticator, and their recovery codes. The code that confirmed it is used up, and so are sessions.
    func enrol(_ user: User) async throws -> (totp: TOTP, recovery: [Secret]) {
        let totp = try await accounts.beginSecondFactor(of: user)
        let codes = try await accounts.confirmSecondFactor(of: user, .none(at: hand.now), code(totp), by: .test)
        hand.advance(.seconds(30))
        return (totp, codes)
    }

    /// What an authenticator shows now, or so many steps later.
    func code(_ totp: TOTP, later steps: Int64 = 0) throws -> SecondFactorCode {
        try good(totp.digits(at: hand.now.microseconds / 30_000_000 + steps))
    }

    /// A code that is none of those which an authenticator shows about now.
    func wrongCode(_ totp: TOTP) throws -> SecondFactorCode {
        let step = hand.now.microseconds / 30_000_000
        let near = (step - 2...step + 2).map(totp.digits)
        return try good(
            ["000000", "111111", "222222", "333333", "444444", "555555"].first { !near.contains($0) } ?? "")
    }

    // MARK: Reading behind the rules

    /// The keys that copies for an account's root users are sealed to.
    func revealKeys(of account: Identifier) async throws -> [Identifier: String] {
        let keys = try await database.read { try Accounts.rootKeys(of: account, in: $0) }
        return Dictionary(uniqueKeysWithValues: try keys.map { ($0.user, try accounts.open($0).text) })
    }

    /// The lock on a user's private key.
    func lock(of user: User) async throws -> String? {
        try await database.read {
            try $0.row("SELECT private_key FROM reveal_keys WHERE user_id = $1", user.id)?.text("private_key")
        }
    }

    func text(_ column: String, of user: User) async throws -> String? {
        try await database.read {
            try $0.row("SELECT \(column) AS value FROM users WHERE id = $1", user.id)?.optionalText("value")
        }
    }

    func count(_ table: String) async throws -> Int64 {
        try await database.read { try $0.row("SELECT count(*) AS n FROM \(table)")?.integer("n") ?? 0 }
    }

    /// Runs one statement, as somebody with the file in hand could.
    func tamper(_ sql: String) async throws { try await database.write { _ = try $0.run(sql) } }

    /// The newest first.
    func actions() async throws -> [String] {
        try await audit.entries(AuditFilter(), Page(limit: 100)).items.map(\.action.rawValue)
    }
}

extension User {
    /// An operator who is in no account of the tests.
    static var `operator`: User {
        let id = Identifier(at: Timestamp(microseconds: 0), random: (1, 1))
        return User(
            id: id, account: id, email: "operator@example.com", role: .root, isAdmin: true, hasSecondFactor: false,
            createdAt: Timestamp(microseconds: 0))
    }

    /// Somebody who speaks for an account as its root user does, and has no row.
    static func root(of account: Identifier) -> User {
        var user = Self.operator
        user.account = account
        user.isAdmin = false
        return user
    }
}

extension Session {
    /// No session that there is.
    static func none(at time: Timestamp) -> Session {
        Session(
            id: Identifier(at: time, random: (1, 1)), expiresAt: time, idleExpiresAt: time, provedAt: time,
            freshUntil: time,
            csrfToken: "")
    }
}

extension TOTP {
    /// RFC 4226 §5.3, written once more: what an app would show for a step.
    fileprivate func digits(at step: Int64) -> String {
        let key = secret.withBytes { SymmetricKey(data: $0) }
        let mac = withUnsafeBytes(of: step.bigEndian) {
            Array(HMAC<Insecure.SHA1>.authenticationCode(for: $0, using: key))
        }
        let offset = Int(mac[19] % 16)
        let number = mac[offset..<offset + 4].reduce(0) { $0 * 256 + Int($1) } % 0x8000_0000 % 1_000_000
        return String(String(number + 1_000_000).dropFirst())
    }
}
