import Audit
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Accounts

/// Whatever can be refused without an Argon2id is. Here all hashing is refused, so who needs a hash is told
/// `Argon2Failure.stopped`, and whoever is told anything else needed none.
@Suite("Refused without a hash")
struct RefusedWithoutHashTests {
    private let house: AccountsHouse
    private let stopped: Accounts
    private let ada: User

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
        let pool = TestPool.pool(memoryKiB: 7168, iterations: 5)
        stopped = try Platform.accounts(over: house.database, house.hand.clock, pool: pool)
        pool.shutdown()
    }

    private func invitation(of email: String, to account: Identifier? = nil) async throws -> String {
        var home = account
        if home == nil {
            home = try await house.accounts.create(AccountDraft(name: good("Other"), cap: .standard), by: .test).id
        }
        let (_, token) = try await house.accounts.invite(
            good(email), as: .member, to: try #require(home), for: account == nil ? .root(of: try #require(home)) : ada,
            by: .test)
        return token.exposed()
    }

    private func accept(_ token: String, _ password: String = goodPassword) async throws {
        _ = try await stopped.accept(invitation: token, password: good(password), by: .test)
    }

    @Test("an invitation whose address has a user in another account, as often as it is tried") func taken()
        async throws
    {
        let token = try await invitation(of: "ada@example.com")
        for _ in 0..<5 { await #expect(throws: AccountsError.emailTaken) { try await accept(token) } }
        // Once she is gone, the same invitation is as good as its hash.
        try await house.accounts.remove(ada.id, from: ada.account, for: .operator, by: .test)
        await #expect(throws: Argon2Failure.stopped) { try await accept(token) }
    }

    @Test("an invitation into an account that is full, one that has expired, and a weak password") func invitations()
        async throws
    {
        let token = try await invitation(of: "late@example.com", to: ada.account)
        await #expect(throws: AccountsError.self) { try await accept(token, "passwordpassword") }
        await #expect(throws: Argon2Failure.stopped) { try await accept(token) }
        try await house.tamper(
            """
            INSERT INTO users (id, account_id, email, role, password_phc, is_admin, created_at)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(User.limit - 1))
            SELECT 'u' || i, '\(ada.account)', 'u' || i || '@example.com', 'member', 'x', 0, 0 FROM n
            """)
        await #expect(throws: AccountsError.userLimitReached) { try await accept(token) }
        house.hand.advance(Invitation.lifetime)
        await #expect(throws: AccountsError.invitationInvalid) { try await accept(token) }
    }

    @Test("an admin at a taken address, and a second first admin") func admins() async throws {
        for (email, onlyFirst, refusal) in [
            ("ada@example.com", false, AccountsError.emailTaken), ("new@example.com", true, .alreadySetUp),
        ] {
            await #expect(throws: refusal) {
                try await stopped.createAdmin(
                    email: good(email), password: good(goodPassword), accountName: good("O"), onlyFirst: onlyFirst,
                    by: .test)
            }
        }
    }

    @Test("a new password that is too weak, a re-authentication without the code that it needs, and one with too many")
    func proofs() async throws {
        let (totp, _) = try await house.enrol(ada)
        let entered = try await house.enter(ada, code: house.code(totp))
        func reauthenticate(_ code: SecondFactorCode?) async throws {
            _ = try await stopped.reauthenticate(
                entered.actor, entered.session, Proof(password: good(goodPassword), code: code),
                from: IPAddress("192.0.2.1"), by: .test)
        }
        await #expect(throws: AccountsError.self) {
            try await stopped.changePassword(
                of: entered.actor, entered.session, Proof(password: good(goodPassword), code: nil),
                to: good("passwordpassword"), from: IPAddress("192.0.2.1"), by: .test)
        }
        await #expect(throws: AccountsError.secondFactorRequired) { try await reauthenticate(nil) }
        await #expect(throws: Argon2Failure.stopped) { try await reauthenticate(house.wrongCode(totp)) }
        for _ in 0..<SignInThrottle.perPair {
            try stopped.codeThrottle.begin(SignInThrottle.Attempt(codeOf: ada.id), now: house.hand.now)
        }
        await #expect(throws: AccountsError.tooManyAttempts(retryAfterSeconds: 900)) {
            try await reauthenticate(house.wrongCode(totp))
        }
    }

    @Test("whoever is throttled") func throttled() async throws {
        let email: EmailAddress = try good("ada@example.com")
        let attempt = SignInThrottle.Attempt(from: IPAddress("192.0.2.9"), email: email.text)
        for _ in 0..<SignInThrottle.perPair { try stopped.throttle.begin(attempt, now: house.hand.now) }
        await #expect(throws: AccountsError.tooManyAttempts(retryAfterSeconds: 900)) {
            try await stopped.signIn(
                email: email, Proof(password: good(goodPassword), code: nil), from: IPAddress("192.0.2.9"), by: .test)
        }
    }

    @Test("a platform token beyond the limit, beyond one's rights or already expired") func tokens() async throws {
        func issue(_ scopes: [Scope] = [.catalogRead], until end: Timestamp? = nil) async throws {
            _ = try await stopped.issueToken(name: good("t"), scopes: scopes, expiresAt: end, for: ada, by: .test)
        }
        await #expect(throws: Argon2Failure.stopped) { try await issue() }
        await #expect(throws: AccountsError.adminScopes([.accountsWrite])) { try await issue([.accountsWrite]) }
        await #expect(throws: AccountsError.expiryInPast) { try await issue(until: house.hand.now) }
        try await house.tamper(
            """
            INSERT INTO platform_tokens (id, user_id, secret_id, phc, name, scopes, created_at)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(PlatformToken.limit))
            SELECT 't' || i, '\(ada.id)', 'k' || i, 'x', 't', 'catalog:read', 0 FROM n
            """)
        await #expect(throws: AccountsError.tokenLimitReached) { try await issue() }
    }
}
