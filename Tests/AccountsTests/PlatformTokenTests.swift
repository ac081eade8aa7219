import Accounts
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

@Suite("Platform tokens")
struct PlatformTokenTests {
    private let house: AccountsHouse
    private var accounts: Accounts { house.accounts }

    init() throws { house = try AccountsHouse() }

    private func issue(
        _ scopes: [Scope] = [.applicationsRead], until expiry: Timestamp? = nil, for user: User
    ) async throws -> (token: PlatformToken, text: String) {
        let (token, secret) = try await accounts.issueToken(
            name: good("ci"), scopes: scopes, expiresAt: expiry, for: user, by: .test)
        return (token, secret.exposed())
    }

    @Test("a token speaks for its user with its own scopes alone") func scopes() async throws {
        let admin = try await house.admin()
        let issued = try await issue([.catalogWrite, .applicationsRead, .applicationsRead], for: admin)
        #expect(issued.token.scopes == [.applicationsRead, .catalogWrite])
        let actor = try #require(try await accounts.actor(platformToken: issued.text))
        #expect(actor.user.id == admin.id)
        #expect(actor.scopes == [.applicationsRead, .catalogWrite])
        #expect(actor.session == nil)
    }

    @Test("scopes of an operator need one, at creation and at each use") func adminScopes() async throws {
        let admin = try await house.admin()
        let bob = try await house.user()
        for scope in Scope.allCases where scope.needsAdmin {
            await #expect(throws: AccountsError.adminScopes([scope])) {
                try await issue([.applicationsRead, scope], for: bob)
            }
        }
        let text = try await issue([.catalogWrite, .catalogRead], for: admin).text
        try await house.database.write { try $0.run("UPDATE users SET is_admin = 0 WHERE id = $1", admin.id) }
        #expect(try await accounts.actor(platformToken: text)?.scopes == [.catalogRead])
    }

    @Test("a token ends at its expiry, at the very instant") func expiry() async throws {
        let admin = try await house.admin()
        let end = house.hand.now.adding(.seconds(60))
        let text = try await issue(until: end, for: admin).text
        house.hand.advance(.seconds(60) - .microseconds(1))
        #expect(try await accounts.actor(platformToken: text) != nil)
        house.hand.advance(.microseconds(1))
        #expect(try await accounts.actor(platformToken: text) == nil)
        await #expect(throws: AccountsError.expiryInPast) { try await issue(until: end, for: admin) }
    }

    @Test("deleting a token binds the next use, and is the owner's alone") func delete() async throws {
        let admin = try await house.admin()
        let bob = try await house.user()
        let issued = try await issue(for: admin)
        let kept = try await issue(for: admin)
        #expect(try await accounts.actor(platformToken: issued.text) != nil)
        await #expect(throws: AccountsError.notFound) {
            try await accounts.deleteToken(issued.token.id, of: bob, by: .test)
        }
        #expect(try await accounts.tokens(of: bob.id, Page()).items.isEmpty)
        try await accounts.deleteToken(issued.token.id, of: admin, by: .test)
        #expect(try await accounts.actor(platformToken: issued.text) == nil)
        #expect(try await accounts.actor(platformToken: kept.text) != nil)
        await #expect(throws: AccountsError.notFound) {
            try await accounts.deleteToken(issued.token.id, of: admin, by: .test)
        }
        #expect(try await accounts.tokens(of: admin.id, Page()).items.map(\.id) == [kept.token.id])
    }

    @Test("fifty live tokens for one user, however many ask at once; expired ones free their place")
    func limit() async throws {
        let admin = try await house.admin()
        let bob = try await house.user()
        let accounts = accounts
        let soon = house.hand.now.adding(.seconds(60))
        let made = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<55 {
                group.addTask {
                    do {
                        _ = try await accounts.issueToken(
                            name: good("t"), scopes: [.tokensRead], expiresAt: index == 0 ? soon : nil, for: admin,
                            by: .test)
                        return true
                    } catch AccountsError.tokenLimitReached {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 50)
        _ = try await issue(for: bob)
        try await house.database.write {
            try $0.run(
                "UPDATE platform_tokens SET expires_at = $1 WHERE id = (SELECT min(id) FROM platform_tokens)", soon)
        }
        house.hand.advance(.seconds(60))
        _ = try await issue(for: admin)
    }

    @Test("a token works after a restart, costs a forger no Argon2id, and is an Argon2id string at rest")
    func restartAndForgery() async throws {
        let admin = try await house.admin()
        let issued = try await issue(for: admin)
        let restarted = try Platform.accounts(over: house.database, house.hand.clock)
        #expect(try await restarted.actor(platformToken: issued.text)?.user.id == admin.id)

        let keys = DeploymentSecrets(master: Secret("other"), pepper: Secret("other"))
        let forged = try TokenFormat(prefix: "lkp-", keys: keys).mint(.system).secret.exposed()
        let pool = TestPool.pool(memoryKiB: 7168, iterations: 5)
        let stopped = try Platform.accounts(over: house.database, house.hand.clock, pool: pool)
        pool.shutdown()
        #expect(try await stopped.actor(platformToken: forged) == nil)
        await #expect(throws: Argon2Failure.stopped) { try await stopped.actor(platformToken: issued.text) }

        let phc = try await house.database.read { try $0.row("SELECT phc FROM platform_tokens")?.text("phc") }
        #expect(phc?.hasPrefix("$argon2id$v=19$") == true)
        let body = issued.text.dropFirst("lkp-".count)
        #expect(try house.isOnDisk(String(body.prefix(12))))
        #expect(try !house.isOnDisk(String(body.dropFirst(12).prefix(22))))
    }

    @Test("tokens of other kinds speak for nobody") func otherKinds() async throws {
        let admin = try await house.admin()
        let text = try await issue(for: admin).text
        let account = try await accounts.create(AccountDraft(name: good("Tenant"), cap: .standard), by: .test)
        let invitation = try await accounts.invite(
            good("bob@example.com"), as: .root, to: account.id, for: .operator, by: .test
        ).1.exposed()
        let session = try await house.signIn().1.exposed()
        let keys = DeploymentSecrets(master: Secret("master"), pepper: Secret("pepper"))
        let key = try TokenFormat(prefix: "sk-", keys: keys).mint(.system).secret.exposed()
        let body = text.dropFirst(4)
        for other in [
            invitation, session, key, "sk-" + body, "lki-" + body, String(body), "", "lkp-", text + " ", " " + text,
        ] {
            #expect(try await accounts.actor(platformToken: other) == nil)
        }
        #expect(try await accounts.actor(sessionToken: Secret(text)) == nil)
        await #expect(throws: AccountsError.invitationInvalid) {
            try await accounts.accept(invitation: text, password: good(goodPassword), by: .test)
        }
    }
}
