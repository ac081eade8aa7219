import Accounts
import Audit
import Credentials
import Database
import Secrets
import TestSupport
import Testing

/// A secret is shown again to a root user with their password, by construction (design §5; ASVS 11.7.2, 13.3.2).
@Suite("Showing a secret again")
struct RevealTests {
    private let house: KeysHouse
    private var ada: User { house.ada }

    init() async throws { house = try await KeysHouse() }

    @Test("with the right password, as often as one likes; each time is counted and written down") func reveal()
        async throws
    {
        let made = try await house.issueRevealable()
        #expect(made.credential.reveal == .available)
        let entered = try await house.enter(ada)
        for count in 1...2 {
            house.hand.advance(.seconds(1))
            #expect(try await house.reveal(made.credential, by: entered) == made.key)
            let found = try await house.find(made.credential)
            #expect(found.reveals == Int64(count))
            #expect(found.revealedAt == house.hand.now)
            #expect(found.reveal == .available)
            #expect(try await house.entries().first?.action == .credentialReveal)
        }
        await #expect(throws: AccountsError.signInFailed) {
            try await house.reveal(made.credential, by: entered, "not the right password")
        }
        #expect(try await house.find(made.credential).reveals == 2)
    }

    @Test("a key that was made to be shown once is shown once") func showOnce() async throws {
        let made = try await house.issue()
        #expect(made.credential.reveal == .showOnce)
        #expect(try await house.count("sealed_copies") == 0)
        await #expect(throws: CredentialsError.shownOnce) {
            try await house.reveal(made.credential, by: house.enter(ada))
        }
    }

    @Test("a stale session of somebody with a second factor needs a code, which is used up") func code() async throws {
        let made = try await house.issueRevealable()
        let entered = try await house.enter(ada)
        let recovery = try await house.secondFactor(of: ada, keeping: entered.session)
        // Fresh: the code was asked for a moment ago.
        #expect(try await house.reveal(made.credential, by: entered) == made.key)
        house.hand.advance(.seconds(300))
        await #expect(throws: AccountsError.secondFactorRequired) {
            try await house.reveal(made.credential, by: entered)
        }
        let code: SecondFactorCode = try good(recovery[0])
        #expect(try await house.reveal(made.credential, by: entered, code: code) == made.key)
        await #expect(throws: AccountsError.signInFailed) {
            try await house.reveal(made.credential, by: entered, code: code)
        }
        #expect(try await house.find(made.credential).reveals == 2)
    }

    @Test("neither a member nor a root user who came later nor another account gets it") func others() async throws {
        let made = try await house.issueRevealable()
        let member = try await house.join("kim@example.com", as: .member)
        let later = try await house.join("mia@example.com", as: .root)
        for user in [member, later] {
            await #expect(throws: CredentialsError.noCopyForUser) {
                try await house.reveal(made.credential, by: house.enter(user))
            }
        }
        let bob = try await house.bob()
        await #expect(throws: CredentialsError.notFound) {
            try await house.reveal(made.credential, by: house.enter(bob, "eight blue kites at noon"))
        }
        // With a rotation whoever is root by then has a copy.
        let rotated = try await house.rotate(made.credential, overlap: 60)
        for user in [ada, later] {
            #expect(try await house.reveal(made.credential, by: house.enter(user)) == rotated.key)
        }
    }

    @Test("where an account forbids it none can be made, those there are lose their copies for good, and may be again")
    func policy() async throws {
        let made = try await house.issueRevealable()
        let bob = try await house.bob()
        let entered = try await house.enter(ada)
        let forbidden = try await house.credentials.editKeyPolicy(
            KeyPolicyEdit(allowsRevealableKeys: false), in: ada.account, by: .test)
        #expect(!forbidden.allowsRevealableKeys)
        #expect(try await house.accounts.account(bob.account).allowsRevealableKeys)
        #expect(try await house.count("sealed_copies") == 0)
        #expect(try await house.find(made.credential).reveal == .showOnce)
        await #expect(throws: CredentialsError.shownOnce) { try await house.reveal(made.credential, by: entered) }
        await #expect(throws: CredentialsError.revealableForbidden) { try await house.issueRevealable() }
        _ = try await house.issue()
        _ = try await house.credentials.editKeyPolicy(
            KeyPolicyEdit(allowsRevealableKeys: true), in: ada.account, by: .test)
        await #expect(throws: CredentialsError.shownOnce) { try await house.reveal(made.credential, by: entered) }
        _ = try await house.rotate(made.credential)
        #expect(try await house.count("sealed_copies") == 0)
        #expect(try await house.issueRevealable().credential.reveal == .available)
    }

    @Test("without a root user's key none can be made; the next sign-in makes one") func keyMissing() async throws {
        let made = try await house.issueRevealable()
        try await house.tamper("DELETE FROM reveal_keys")
        #expect(try await house.find(made.credential).reveal == .lost)
        await #expect(throws: CredentialsError.revealKeyMissing) { try await house.issueRevealable() }
        await #expect(throws: CredentialsError.revealKeyMissing) { try await house.rotate(made.credential) }
        #expect(try await house.opens(made.key))
        let entered = try await house.enter(ada)
        await #expect(throws: CredentialsError.copyLost) { try await house.reveal(made.credential, by: entered) }
        let rotated = try await house.rotate(made.credential)
        #expect(try await house.reveal(made.credential, by: entered) == rotated.key)
    }

    @Test("a deleted key's copies are gone") func deleted() async throws {
        let made = try await house.issueRevealable()
        try await house.delete(made.credential)
        #expect(try await house.count("sealed_copies") == 0)
        await #expect(throws: CredentialsError.notFound) {
            try await house.reveal(made.credential, by: house.enter(ada))
        }
    }

    @Test("a copy that was moved to another key, or kept from an older secret, doesn't open there") func moved()
        async throws
    {
        let (one, other) = (try await house.issueRevealable(), try await house.issueRevealable())
        let entered = try await house.enter(ada)
        let old = try await copy(of: one.credential)
        _ = try await house.rotate(one.credential, overlap: 60)
        for sealed in [old, try await copy(of: other.credential)] {
            let id = one.credential.id
            try await house.database.write {
                _ = try $0.run("UPDATE sealed_copies SET sealed = $2 WHERE credential_id = $1", id, sealed)
            }
            await #expect(throws: SealingError.self) { try await house.reveal(one.credential, by: entered) }
        }
        #expect(try await house.find(one.credential).reveals == 0)
    }

    @Test("a public key that somebody put into the database gets no copy of any secret") func swappedKey() async throws
    {
        _ = try await house.bob()
        try await house.tamper(
            """
            UPDATE reveal_keys SET public_key = (SELECT public_key FROM reveal_keys WHERE user_id <> '\(ada.id)')
            WHERE user_id = '\(ada.id)'
            """)
        await #expect(throws: SealingError.self) { try await house.issueRevealable() }
        #expect(try await house.count("credentials") == 0)
        #expect(try await house.count("sealed_copies") == 0)
    }

    @Test("a reveal that is overtaken by a rotation shows nothing that no longer holds") func overtaken() async throws {
        let house = house
        let made = try await house.issueRevealable()
        let entered = try await house.enter(ada)
        for round in 0..<6 {
            let current = try await house.reveal(made.credential, by: entered)
            let revealing = Task { try await house.reveal(made.credential, by: entered) }
            try await Task.sleep(for: .milliseconds(round * 8))
            let rotated = try await house.rotate(made.credential)
            let shown = try? await revealing.value
            #expect([nil, current, rotated.key].contains(shown))
            #expect(try await house.reveal(made.credential, by: entered) == rotated.key)
        }
    }

    @Test("a secret lies in no byte of the files, sealed or not") func atRest() async throws {
        let made = try await house.issueRevealable()
        #expect(try house.isOnDisk(String(made.key.dropFirst(3).prefix(12))))
        #expect(try !house.isOnDisk(made.key))
        #expect(try !house.isOnDisk(String(made.key.dropFirst(15).prefix(22))))
    }

    private func copy(of credential: Credential) async throws -> String {
        try await house.database.read {
            try $0.row("SELECT sealed FROM sealed_copies WHERE credential_id = $1", credential.id)?.text("sealed")
        } ?? ""
    }

    @Test("a policy that is set as it is writes nothing") func samePolicy() async throws {
        let before = try await house.entries().count
        let account = try await house.accounts.account(ada.account)
        house.hand.advance(.seconds(1))
        for (isAllowed, entries) in [(true, 0), (false, 1), (false, 1), (true, 2), (true, 2)] {
            let set = try await house.credentials.editKeyPolicy(
                KeyPolicyEdit(allowsRevealableKeys: isAllowed), in: ada.account, by: .test)
            #expect(set.allowsRevealableKeys == isAllowed)
            #expect(set.updatedAt == (entries == 0 ? account.updatedAt : house.hand.now))
            #expect(try await house.entries().count == before + entries)
        }
    }
}
