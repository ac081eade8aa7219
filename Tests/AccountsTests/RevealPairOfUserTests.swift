import Accounts
import Database
import Secrets
import TestSupport
import Testing
import Values

/// Each user's pair of keys for showing API keys again: whose it is, and what its private half is locked with.
@Suite("The keys that passwords lock")
struct RevealPairOfUserTests {
    private let house: AccountsHouse
    private let ada: User
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
    }

    private func unlocked(_ password: String, with accounts: Accounts) async throws -> String? {
        let (actor, _) = try await accounts.signIn(
            email: good(ada.email), Proof(password: good(password), code: nil), from: nil, by: .test)
        return try await accounts.unlockRevealPair(
            of: actor, try #require(actor.session), Proof(password: good(password), code: nil), from: nil
        ).0?.publicKey.text
    }

    @Test("the keys of an account are those of its root users, from the moment that they are") func roots() async throws
    {
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        _ = try await house.user("eve@example.com")
        func holders() async throws -> Set<Identifier> { Set(try await house.revealKeys(of: ada.account).keys) }
        #expect(try await holders() == [ada.id])
        _ = try await accounts.setRole(.root, of: bob.id, in: bob.account, for: ada, by: .test)
        #expect(try await holders() == [ada.id, bob.id])
        _ = try await accounts.setRole(.member, of: ada.id, in: ada.account, for: .operator, by: .test)
        #expect(try await holders() == [bob.id])
        // What she could open as root user is gone: back as one, she begins with a new pair.
        _ = try await accounts.setRole(.root, of: ada.id, in: ada.account, for: bob, by: .test)
        #expect(try await holders() == [bob.id])
        _ = try await house.enter(ada)
        #expect(try await holders() == [ada.id, bob.id])
    }

    @Test(
        "a public key that was put in its place by somebody with the file in hand is refused",
        arguments: ["public_key", "private_key", "'plain'", "''"])
    func swapped(value: String) async throws {
        let eve = try await house.user("eve@example.com")
        #expect(try await house.revealKeys(of: ada.account).count == 1)
        try await house.tamper(
            """
            UPDATE reveal_keys SET public_key = (SELECT \(value) FROM reveal_keys WHERE user_id = '\(eve.id)')
            WHERE user_id = '\(ada.id)'
            """)
        await #expect(throws: SealingError.self) { try await house.revealKeys(of: ada.account) }
        #expect(try await house.revealKeys(of: eve.account).count == 1)
    }

    @Test("another's private key in one's own place doesn't open with one's own password") func swappedPrivate()
        async throws
    {
        let eve = try await house.user("eve@example.com")
        #expect(try await unlocked(goodPassword, with: accounts) != nil)
        try await house.tamper(
            """
            UPDATE reveal_keys SET private_key = (SELECT private_key FROM reveal_keys WHERE user_id = '\(eve.id)')
            WHERE user_id = '\(ada.id)'
            """)
        await #expect(throws: SealingError.self) { try await unlocked(goodPassword, with: accounts) }
    }

    @Test("when the parameters change, the next sign-in locks hash and key anew, and it is the same key") func relock()
        async throws
    {
        let key = try await unlocked(goodPassword, with: accounts)
        #expect(key != nil)
        #expect(try await house.lock(of: ada)?.hasPrefix("v1$m=7168,t=5,p=1$") == true)
        let before = try await house.lock(of: ada)
        _ = try await house.enter(ada)
        #expect(try await house.lock(of: ada) == before)
        let pool = TestPool.pool(memoryKiB: 9216, iterations: 4)
        let later = try Platform.accounts(over: house.database, house.hand.clock, pool: pool)
        #expect(try await unlocked(goodPassword, with: later) == key)
        #expect(try await house.lock(of: ada)?.hasPrefix("v1$m=9216,t=4,p=1$") == true)
        #expect(try await house.text("password_phc", of: ada)?.contains("$m=9216,t=4,p=1$") == true)
        #expect(try await house.revealKeys(of: ada.account) == [ada.id: key])
    }

    @Test("only the lock is old: it is made anew though the hash is not") func relockAlone() async throws {
        let pool = TestPool.pool(memoryKiB: 9216, iterations: 4)
        let later = try Platform.accounts(over: house.database, house.hand.clock, pool: pool)
        let old = try #require(try await house.lock(of: ada))
        let key = try await unlocked(goodPassword, with: later)
        let id = ada.id
        try await house.database.write {
            _ = try $0.run("UPDATE reveal_keys SET private_key = $2 WHERE user_id = $1", id, old)
        }
        #expect(try await unlocked(goodPassword, with: later) == key)
        #expect(try await house.lock(of: ada)?.hasPrefix("v1$m=9216,t=4,p=1$") == true)
    }

    @Test("a user without a pair of keys gets one at the next sign-in, or with a new password")
    func without() async throws {
        let clear = "DELETE FROM reveal_keys"
        try await house.tamper(clear)
        #expect(try await house.revealKeys(of: ada.account).isEmpty)
        let entered = try await house.enter(ada)
        #expect(try await house.revealKeys(of: ada.account).count == 1)
        try await house.tamper(clear)
        try await house.changePassword(entered, to: "nine red herons in rain")
        let keys = try await house.revealKeys(of: ada.account)
        #expect(try await unlocked("nine red herons in rain", with: accounts) == keys[ada.id])
    }

    @Test("the private key lies in no byte of the files") func atRest() async throws {
        let key = try #require(try await house.revealKeys(of: ada.account)[ada.id])
        #expect(try !house.isOnDisk(key))
        #expect(try house.isOnDisk("v1$m=7168,t=5,p=1$"))
    }
}
