import Accounts
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

@Suite("Signing in")
struct SignInTests {
    private let house: AccountsHouse

    init() throws { house = try AccountsHouse() }

    @Test("the right password opens a session; a wrong one and an unknown address get the same answer")
    func rightAndWrong() async throws {
        let admin = try await house.admin()
        #expect(try await house.signIn().0.user.id == admin.id)
        #expect(try await house.signIn("ADA@Example.com").0.user.id == admin.id)
        await #expect(throws: AccountsError.signInFailed) {
            try await house.signIn("ada@example.com", goodPassword + "!")
        }
        await #expect(throws: AccountsError.signInFailed) { try await house.signIn("eve@example.com") }
        await #expect(throws: AccountsError.signInFailed) { try await house.signIn("ada@example.com", "x") }
    }

    @Test("an unknown address costs an Argon2id as a known one does") func decoy() async throws {
        _ = try await house.admin()
        let pool = TestPool.pool(memoryKiB: 7168, iterations: 5)
        let accounts = try Platform.accounts(over: house.database, house.hand.clock, pool: pool)
        // Whoever needs the stopped pool is told so; nobody is answered without it.
        pool.shutdown()
        for email in ["ada@example.com", "eve@example.com"] {
            await #expect(throws: Argon2Failure.stopped) {
                try await accounts.signIn(
                    email: good(email), Proof(password: good(goodPassword), code: nil), from: IPAddress("192.0.2.1"),
                    by: .test)
            }
        }
    }

    @Test("passwords are compared in full and normalised") func wholePassword() async throws {
        let long = String(repeating: "seven green boats ", count: 60)
        _ = try await house.admin(password: long + "caf\u{E9}")
        _ = try await house.signIn("ada@example.com", long + "cafe\u{301}")
        await #expect(throws: AccountsError.signInFailed) { try await house.signIn("ada@example.com", long + "cafe") }
    }

    @Test("an address is taken once, in any case") func emailTaken() async throws {
        _ = try await house.admin("ada@example.com")
        await #expect(throws: AccountsError.emailTaken) { try await house.admin("Ada@EXAMPLE.com") }
        let account = try await house.accounts.create(AccountDraft(name: good("Other"), cap: .standard), by: .test)
        await #expect(throws: AccountsError.emailTaken) {
            try await house.accounts.invite(
                good("ADA@example.com"), as: .member, to: account.id, for: .operator, by: .test)
        }
    }

    @Test("at rest a password is an Argon2id string, made anew when the parameters grow") func rehash() async throws {
        _ = try await house.admin()
        #expect(try await storedPassword().hasPrefix("$argon2id$v=19$m=7168,t=5,p=1$"))
        let pool = TestPool.pool(memoryKiB: 9216, iterations: 4)
        let later = try Platform.accounts(over: house.database, house.hand.clock, pool: pool)
        _ = try await later.signIn(
            email: good("ada@example.com"), Proof(password: good(goodPassword), code: nil),
            from: IPAddress("192.0.2.1"),
            by: .test)
        #expect(try await storedPassword().hasPrefix("$argon2id$v=19$m=9216,t=4,p=1$"))
        _ = try await house.signIn()
        #expect(try house.isOnDisk("ada@example.com"))
        #expect(try !house.isOnDisk(goodPassword))
    }

    @Test("a lower or higher cap is kept, and nothing outside of 3 to 10 gets by the schema") func cap() async throws {
        let admin = try await house.admin()
        var edit = AccountEdit()
        edit.name = try good("New")
        edit.cap = CredentialCap(3)
        let edited = try await house.accounts.edit(admin.account, edit, by: .test)
        #expect(edited.cap.value == 3)
        #expect(try await house.accounts.account(admin.account).name == "New")
        for cap in [2, 11] {
            await #expect(throws: DatabaseFailure.constraint) {
                try await house.database.write { try $0.run("UPDATE accounts SET credential_cap = $1", cap) }
            }
        }
    }

    private func storedPassword() async throws -> String {
        try await house.database.read { try $0.row("SELECT password_phc FROM users")?.text("password_phc") } ?? ""
    }
}
