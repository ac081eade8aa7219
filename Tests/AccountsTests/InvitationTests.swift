import Accounts
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

@Suite("Invitations and the first admin")
struct InvitationTests {
    private let house: AccountsHouse
    private var accounts: Accounts { house.accounts }

    init() throws { house = try AccountsHouse() }

    private func invite(_ email: String = "bob@example.com") async throws -> (account: Identifier, token: String) {
        let account = try await accounts.create(AccountDraft(name: good("Tenant"), cap: .standard), by: .test)
        return (
            account.id,
            try await accounts.invite(good(email), as: .root, to: account.id, for: .operator, by: .test).1.exposed()
        )
    }

    private func accept(_ token: String, _ password: String = goodPassword) async throws -> User {
        try await accounts.accept(invitation: token, password: good(password), by: .test)
    }

    @Test("an invitation makes one user, in its account and without the admin flag") func once() async throws {
        let (account, token) = try await invite()
        let user = try await accept(token)
        #expect(user.account == account)
        #expect(!user.isAdmin)
        #expect(try await house.signIn("bob@example.com").0.account == account)
        await #expect(throws: AccountsError.invitationInvalid) { try await accept(token) }
    }

    @Test("many who use one invitation at once make one user") func race() async throws {
        let token = try await invite().token
        let accounts = accounts
        let made = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    do {
                        _ = try await accounts.accept(invitation: token, password: good(goodPassword), by: .test)
                        return true
                    } catch {
                        #expect(error as? AccountsError == .invitationInvalid)
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 1)
        #expect(try await house.database.read { try $0.rows("SELECT id FROM users").count } == 1)
    }

    @Test("a newer invitation of the same address into the same account replaces the older one") func replaced()
        async throws
    {
        let (account, old) = try await invite()
        let new = try await accounts.invite(
            good("BOB@example.com"), as: .member, to: account, for: .operator, by: .test
        ).1.exposed()
        await #expect(throws: AccountsError.invitationInvalid) { try await accept(old) }
        #expect(try await accept(new).role == .member)
    }

    @Test("an invitation ends after seven days, at the very instant") func expired() async throws {
        let token = try await invite().token
        house.hand.advance(.seconds(7 * 86_400))
        await #expect(throws: AccountsError.invitationInvalid) { try await accept(token) }
        house.hand.advance(.microseconds(-1))
        _ = try await accept(token)
    }

    @Test("a weak password doesn't use an invitation up") func weak() async throws {
        let token = try await invite().token
        await #expect(throws: AccountsError.self) { try await accept(token, "passwordpassword") }
        _ = try await accept(token)
    }

    @Test("what is no invitation is refused before any Argon2id") func wrong() async throws {
        let token = try await invite().token
        let keys = DeploymentSecrets(master: Secret("other"), pepper: Secret("other"))
        let forged = try TokenFormat(prefix: "lki-", keys: keys).mint(.system).secret.exposed()
        let pool = TestPool.pool(memoryKiB: 7168, iterations: 5)
        let stopped = try Platform.accounts(over: house.database, house.hand.clock, pool: pool)
        pool.shutdown()
        let wrong = [
            "", "lki-", forged, String(token.dropLast()), token + "0", "lkp-" + token.dropFirst(4), token.uppercased(),
        ]
        for text in wrong {
            await #expect(throws: AccountsError.invitationInvalid) {
                try await stopped.accept(invitation: text, password: good(goodPassword), by: .test)
            }
        }
        await #expect(throws: Argon2Failure.stopped) {
            try await stopped.accept(invitation: token, password: good(goodPassword), by: .test)
        }
    }

    @Test("an invitation lies in no byte of the files, and invites into an account that exists") func atRest()
        async throws
    {
        let token = try await invite().token
        #expect(try house.isOnDisk("bob@example.com"))
        #expect(try !house.isOnDisk(token))
        #expect(try !house.isOnDisk(String(token.dropFirst(4).prefix(34))))
        let nowhere = Identifier(at: house.hand.now, random: (1, 2))
        await #expect(throws: AccountsError.notFound) {
            try await accounts.invite(good("eve@example.com"), as: .root, to: nowhere, for: .operator, by: .test)
        }
    }

    @Test("the set-up token works once, on an empty database, and for whoever has it") func firstRun() async throws {
        let firstRun = try #require(try await FirstRun(accounts))
        let email: EmailAddress = try good("ada@example.com")
        let name: DisplayName = try good("Operators")
        let password: Password = try good(goodPassword)
        let token = firstRun.exposedToken()
        for wrong in ["", String(token.dropLast()), token + "x", token.lowercased(), "lks-"] {
            #expect(
                try await firstRun.setUp(token: wrong, email: email, password: password, accountName: name, by: .test)
                    == nil)
        }
        await #expect(throws: AccountsError.self) {
            try await firstRun.setUp(token: token, email: email, password: good("short"), accountName: name, by: .test)
        }
        #expect(try await accounts.isEmpty())
        let admin = try await firstRun.setUp(
            token: token, email: email, password: password, accountName: name, by: .test)
        #expect(admin?.isAdmin == true)
        await #expect(throws: AccountsError.alreadySetUp) {
            try await firstRun.setUp(
                token: token, email: good("eve@example.com"), password: password, accountName: name, by: .test)
        }
        #expect(try await FirstRun(accounts) == nil)
        #expect(try !house.isOnDisk(token))
    }

    @Test("two who set up at once make one admin") func firstRunRace() async throws {
        let firstRun = try #require(try await FirstRun(accounts))
        let made = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<4 {
                group.addTask {
                    let user = try? await firstRun.setUp(
                        token: firstRun.exposedToken(), email: good("admin\(index)@example.com"),
                        password: good(goodPassword), accountName: good("Operators"), by: .test)
                    return user != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 1)
        let counts = try await house.database.read { connection in
            [try connection.rows("SELECT id FROM users").count, try connection.rows("SELECT id FROM accounts").count]
        }
        #expect(counts == [1, 1])
    }
}
