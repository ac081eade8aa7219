import Accounts
import Applications
import Audit
import Credentials
import Crypto
import Database
import Policy
import Secrets
import TestSupport
import Values

import struct Applications.Application

let goodPassword = "seven green boats at dawn"

extension KeysHouse {
    typealias Key = (credential: Credential, key: String)

    /// Somebody else in her account.
    func join(_ email: String, as role: Role) async throws -> User {
        let (_, token) = try await accounts.invite(good(email), as: role, to: ada.account, for: ada, by: .test)
        return try await accounts.accept(invitation: token.exposed(), password: good(goodPassword), by: .test)
    }

    func issueRevealable(with credentials: Credentials? = nil) async throws -> Key {
        let draft = CredentialDraft(application: cat.id, name: .empty, terms: KeyTerms(), isRevealable: true)
        let (credential, secret) = try await (credentials ?? self.credentials).issue(draft, by: ada, .test)
        return (credential, secret.exposed())
    }

    @discardableResult
    func edit(_ credential: Credential, _ change: (inout CredentialEdit) throws -> Void) async throws -> Credential {
        var edit = CredentialEdit()
        try change(&edit)
        return try await credentials.edit(credential.id, of: credential.account, edit, by: .test)
    }

    func rotate(_ credential: Credential, overlap seconds: Int64 = 0) async throws -> Key {
        let (rotated, secret) = try await credentials.rotate(
            credential.id, of: credential.account, overlap: .seconds(seconds), by: .test)
        return (rotated, secret.exposed())
    }

    @discardableResult
    func retire(_ credential: Credential) async throws -> Credential {
        try await credentials.retire(credential.id, of: credential.account, by: .test)
    }

    func find(_ credential: Credential) async throws -> Credential {
        try await credentials.find(credential.id, of: credential.account)
    }

    /// A call that is let through, now.
    func use(_ key: String, with credentials: Credentials? = nil) async throws {
        let credentials = credentials ?? self.credentials
        credentials.noteUse(of: try await credentials.verify(key, at: hand.now), at: hand.now)
    }

    /// Signed in, and so fresh.
    func enter(_ user: User, _ password: String = goodPassword) async throws -> (actor: Actor, session: Session) {
        let (actor, _) = try await accounts.signIn(
            email: good(user.email), Proof(password: good(password), code: nil), from: nil, by: .test)
        guard let session = actor.session else { throw BadText(text: "no session") }
        return (actor, session)
    }

    func reveal(
        _ credential: Credential, by entered: (actor: Actor, session: Session), _ password: String = goodPassword,
        code: SecondFactorCode? = nil
    ) async throws -> String {
        try await credentials.reveal(
            credential.id, by: entered.actor, entered.session, Proof(password: good(password), code: code), from: nil,
            .test
        ).exposed()
    }

    /// The newest first.
    func entries() async throws -> [AuditEntry] { try await audit.entries(AuditFilter(), Page(limit: 100)).items }

    /// Runs one statement, as somebody with the file in hand could.
    func tamper(_ sql: String) async throws { try await database.write { _ = try $0.run(sql) } }

    func count(_ table: String) async throws -> Int64 {
        try await database.read { try $0.row("SELECT count(*) AS n FROM \(table)")?.integer("n") ?? 0 }
    }
}

/// Random choices that are the same for the same seed.
struct Choices {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((word ^ word >> 31) % UInt64(bound))
    }

    mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }
    mutating func isTrue() -> Bool { below(2) == 0 }
}

extension KeysHouse {
    /// Gives a user an authenticator that no test needs, and tells the recovery codes.
    func secondFactor(of user: User, keeping session: Session) async throws -> [String] {
        let totp = try await accounts.beginSecondFactor(of: user)
        let codes = try await accounts.confirmSecondFactor(
            of: user, session, good(totp.digits(at: hand.now.microseconds / 30_000_000)), by: .test)
        return codes.map { $0.exposed() }
    }
}

extension TOTP {
    /// RFC 4226 §5.3: what an app would show for a step.
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
