import Accounts
import Audit
import Database
import Secrets
import TestSupport
import Testing
import Values

/// Whoever is taken out of an account is out with the very next call (ASVS 7.4.2).
@Suite("Removing people")
struct RemovalTests {
    private let house: AccountsHouse
    private let ada: User
    private let bob: User
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
        bob = try await house.join(ada.account, "bob@example.com", as: .root)
    }

    private func remove() async throws {
        try await accounts.remove(bob.id, from: bob.account, for: ada, by: .test)
    }

    @Test("sessions and tokens of a removed user are worth nothing from the next call on, those of others stay")
    func ends() async throws {
        let entered = [try await house.enter(bob), try await house.enter(bob)]
        let (_, token) = try await accounts.issueToken(
            name: good("t"), scopes: [.catalogRead], expiresAt: nil, for: bob, by: .test)
        let others = try await house.enter(ada)
        // Both are known in memory when he goes.
        #expect(try await accounts.actor(platformToken: token.exposed()) != nil)
        for session in entered { #expect(try await house.isAlive(session.token)) }
        try await remove()
        #expect(try await accounts.actor(platformToken: token.exposed()) == nil)
        for session in entered { #expect(try await !house.isAlive(session.token)) }
        #expect(try await house.isAlive(others.token))
        await #expect(throws: AccountsError.signInFailed) { try await house.enter(bob) }
        #expect(try await accounts.users(of: ada.account, Page()).items.map(\.id) == [ada.id])
        // The history still knows whom it names.
        #expect(try await accounts.everyone(of: ada.account) == [ada.id, bob.id])
    }

    @Test("the address is free: whoever joins with it again is somebody else, with nothing of the old one")
    func addressIsFree() async throws {
        _ = try await house.enrol(bob)
        let reset = try await house.resetToken(of: bob)
        try await remove()
        let again = try await house.join(ada.account, "bob@example.com", as: .member)
        #expect(again.id != bob.id)
        #expect(!again.hasSecondFactor)
        #expect(try await house.enter(again).actor.user.id == again.id)
        await #expect(throws: AccountsError.resetInvalid) {
            try await accounts.resetPassword(token: reset, to: good("nine red herons in rain"), by: .test)
        }
        #expect(try await house.count("recovery_codes") == 0)
    }

    @Test("nothing that opens anything is left of a removed user, and the row stays") func atRest() async throws {
        _ = try await house.enrol(bob)
        _ = try await accounts.beginSecondFactor(of: ada)
        try await remove()
        for column in ["totp_secret", "totp_draft"] {
            #expect(try await house.text(column, of: bob) == nil, "\(column)")
        }
        #expect(try await house.lock(of: bob) == nil)
        #expect(try await house.text("password_phc", of: bob) == "")
        #expect(try await house.text("email", of: bob)?.contains("bob@example.com") == false)
        // Ada's own are hers still.
        #expect(try await house.text("totp_draft", of: ada) != nil)
        #expect(try await house.revealKeys(of: ada.account).keys.map(\.self) == [ada.id])
    }

    @Test("to remove somebody twice, or who is not there, is not found; removing is an entry with the role")
    func twice() async throws {
        try await remove()
        await #expect(throws: AccountsError.notFound) { try await remove() }
        await #expect(throws: AccountsError.notFound) {
            try await accounts.setRole(.member, of: bob.id, in: bob.account, for: .operator, by: .test)
        }
        await #expect(throws: AccountsError.notFound) { try await house.resetToken(of: bob) }
        let entries = try await house.audit.entries(AuditFilter(account: ada.account), Page()).items
        let removals = entries.filter { $0.action == .userRemove }
        #expect(removals.map(\.object) == [bob.id.description])
        #expect(removals.first?.detail == ["role": "root"])
    }

    @Test("what a removed user had under way makes nothing: no token, no second factor, no new password")
    func underWay() async throws {
        let entered = try await house.enter(bob)
        let reset = try await house.resetToken(of: bob)
        try await remove()
        await #expect(throws: AccountsError.sessionEnded) {
            try await accounts.issueToken(name: good("t"), scopes: [.catalogRead], expiresAt: nil, for: bob, by: .test)
        }
        await #expect(throws: AccountsError.sessionEnded) { try await house.reauthenticate(entered) }
        await #expect(throws: AccountsError.sessionEnded) {
            try await house.changePassword(entered, to: "nine red herons in rain")
        }
        await #expect(throws: AccountsError.resetInvalid) {
            try await accounts.resetPassword(token: reset, to: good("nine red herons in rain"), by: .test)
        }
        #expect(try await house.count("platform_tokens") == 0)
        #expect(try await house.text("password_phc", of: bob) == "")
    }
}
