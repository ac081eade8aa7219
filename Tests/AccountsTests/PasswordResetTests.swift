import Accounts
import Audit
import Database
import Secrets
import TestSupport
import Testing
import Values

/// A new password for who has lost theirs: the way in, and not to what the old one locked (ASVS 6.4.3, 6.4.4).
@Suite("Resetting a password")
struct PasswordResetTests {
    private let house: AccountsHouse
    private let ada: User
    private let other = "nine red herons in rain"
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
    }

    private func reset(_ token: String, _ password: String? = nil) async throws {
        try await accounts.resetPassword(token: token, to: good(password ?? other), by: .test)
    }

    @Test("it works once, ends every session and token of the user, and the old password with them") func once()
        async throws
    {
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        let (hers, his) = (try await house.enter(ada), try await house.enter(bob))
        let (_, platform) = try await accounts.issueToken(
            name: good("t"), scopes: [.catalogRead], expiresAt: nil, for: ada, by: .test)
        let token = try await house.resetToken(of: ada)
        #expect(try await house.isAlive(hers.token))
        #expect(try await accounts.actor(platformToken: platform.exposed()) != nil)
        try await reset(token)
        #expect(try await accounts.actor(platformToken: platform.exposed()) == nil)
        #expect(try await !house.isAlive(hers.token))
        #expect(try await house.isAlive(his.token))
        await #expect(throws: AccountsError.signInFailed) { try await house.enter(ada) }
        _ = try await house.enter(ada, other)
        await #expect(throws: AccountsError.resetInvalid) { try await reset(token) }
        let entry = try await house.audit.entries(AuditFilter(), Page()).items.first { $0.action == .passwordReset }
        #expect(entry?.actor == ada.id)
    }

    @Test("the pair of keys is a new one: what was sealed to the old one is lost") func losesKey() async throws {
        let before = try await house.revealKeys(of: ada.account)
        try await reset(house.resetToken(of: ada))
        let after = try await house.revealKeys(of: ada.account)
        #expect(before.keys == after.keys)
        #expect(before != after)
        let entered = try await house.enter(ada, other)
        let opened = try await accounts.unlockRevealPair(
            of: entered.actor, entered.session, Proof(password: good(other), code: nil), from: nil)
        #expect(opened.0?.publicKey.text == after[ada.id])
    }

    @Test("the second factor stays: a reset is no way round it") func secondFactor() async throws {
        let totp = try await house.enrol(ada).totp
        try await reset(house.resetToken(of: ada))
        await #expect(throws: AccountsError.secondFactorRequired) { try await house.enter(ada, other) }
        _ = try await house.enter(ada, other, code: house.code(totp))
    }

    @Test("it ends after an hour, at the very instant, and a newer one takes its place") func ends() async throws {
        let (made, secret) = try await accounts.createPasswordReset(of: ada.id, in: ada.account, by: .test)
        #expect(made.expiresAt == house.hand.now.adding(.seconds(3600)))
        house.hand.advance(.seconds(3600))
        await #expect(throws: AccountsError.resetInvalid) { try await reset(secret.exposed()) }
        house.hand.advance(.microseconds(-1))
        let newer = try await house.resetToken(of: ada)
        await #expect(throws: AccountsError.resetInvalid) { try await reset(secret.exposed()) }
        try await reset(newer)
    }

    @Test("a weak password doesn't use it up; another account's user is not found") func weak() async throws {
        let token = try await house.resetToken(of: ada)
        await #expect(throws: AccountsError.self) { try await reset(token, "ada@example.com") }
        await #expect(throws: AccountsError.self) { try await reset(token, "passwordpassword") }
        try await reset(token)
        let eve = try await house.user("eve@example.com")
        await #expect(throws: AccountsError.notFound) {
            try await accounts.createPasswordReset(of: ada.id, in: eve.account, by: .test)
        }
    }

    @Test("what is no reset is refused before any Argon2id, and at rest there is only a digest") func forged()
        async throws
    {
        let token = try await house.resetToken(of: ada)
        #expect(try !house.isOnDisk(token))
        let strangers = DeploymentSecrets(master: Secret("other"), pepper: Secret("other"))
        let forged = try TokenFormat(prefix: "lkr-", keys: strangers).mint(.system).secret.exposed()
        let unknown = try TokenFormat(prefix: "lkr-", keys: .test).mint(.system).secret.exposed()
        let pool = TestPool.pool(memoryKiB: 7168, iterations: 5)
        let stopped = try Platform.accounts(over: house.database, house.hand.clock, pool: pool)
        pool.shutdown()
        for text in ["", "lkr-", forged, unknown, String(token.dropLast()), "lki-" + token.dropFirst(4)] {
            await #expect(throws: AccountsError.resetInvalid) {
                try await stopped.resetPassword(token: text, to: good(other), by: .test)
            }
        }
        await #expect(throws: Argon2Failure.stopped) {
            try await stopped.resetPassword(token: token, to: good(other), by: .test)
        }
    }

    @Test("of many who use one reset at once, one sets the password") func race() async throws {
        let token = try await house.resetToken(of: ada)
        let accounts = accounts
        let passwords = (0..<5).map { "grey owl number \($0) at dusk" }
        let done = try await withThrowingTaskGroup(of: String?.self) { group in
            for password in passwords {
                group.addTask {
                    do {
                        try await accounts.resetPassword(token: token, to: good(password), by: .test)
                        return password
                    } catch AccountsError.resetInvalid {
                        return nil
                    }
                }
            }
            return try await group.reduce(into: [String]()) { if let password = $1 { $0.append(password) } }
        }
        #expect(done.count == 1)
        _ = try await house.enter(ada, try #require(done.first))
    }
}
