import Accounts
import Audit
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

/// Open invitations: who sees them, who may take them back, and what ends them.
@Suite("Open invitations")
struct InvitationListTests {
    private let house: AccountsHouse
    private let ada: User
    private let eve: User
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
        eve = try await house.user("eve@example.com")
    }

    private func invite(
        _ email: String, by user: User, as role: Role = .member
    ) async throws -> (id: Identifier, token: String) {
        house.hand.advance(.milliseconds(2))
        let (invitation, token) = try await accounts.invite(
            good(email), as: role, to: user.account, for: user,
            by: house.audit.author(actor: user.id, address: "192.0.2.7"))
        return (invitation.id, token.exposed())
    }

    private func accept(_ token: String) async throws -> User {
        try await accounts.accept(invitation: token, password: good(goodPassword), by: .test)
    }

    private func open(_ user: User) async throws -> [Identifier] {
        try await accounts.invitations(to: user.account, Page()).items.map(\.id)
    }

    @Test("an account sees its own open ones, the newest first, until they are accepted or have ended") func list()
        async throws
    {
        let first = try await invite("bob@example.com", by: ada)
        let second = try await invite("kim@example.com", by: ada)
        let hers = try await invite("bob@example.com", by: eve)
        #expect(try await open(ada) == [second.id, first.id])
        #expect(try await open(eve) == [hers.id])
        _ = try await accept(second.token)
        #expect(try await open(ada) == [first.id])
        house.hand.advance(Invitation.lifetime)
        #expect(try await open(ada).isEmpty)
        let nowhere = Identifier(at: house.hand.now, random: (7, 7))
        await #expect(throws: AccountsError.notFound) { try await accounts.invitations(to: nowhere, Page()) }
    }

    @Test("one that was taken back is worth nothing; another account can't take it back") func withdrawn() async throws
    {
        let made = try await invite("bob@example.com", by: ada)
        await #expect(throws: AccountsError.notFound) {
            try await accounts.withdraw(invitation: made.id, to: eve.account, by: .test)
        }
        try await accounts.withdraw(invitation: made.id, to: ada.account, by: .test)
        await #expect(throws: AccountsError.invitationInvalid) { try await accept(made.token) }
        await #expect(throws: AccountsError.notFound) {
            try await accounts.withdraw(invitation: made.id, to: ada.account, by: .test)
        }
        #expect(try await house.actions().first == "user.uninvite")
    }

    @Test("an address may be invited into two accounts, neither of which is told of the other")
    func twoAccounts() async throws {
        let first = try await invite("bob@example.com", by: ada)
        let second = try await invite("bob@example.com", by: eve, as: .root)
        let bob = try await accept(second.token)
        #expect(bob.account == eve.account)
        #expect(bob.role == .root)
        await #expect(throws: AccountsError.emailTaken) { try await accept(first.token) }
        // To invite him again is as if he were nobody's user; his own account and operators are told.
        _ = try await invite("bob@example.com", by: ada)
        await #expect(throws: AccountsError.emailTaken) { try await invite("BOB@example.com", by: eve) }
        let admin = try await house.admin("operator@example.com")
        let empty = try await accounts.create(AccountDraft(name: good("New"), cap: .standard), by: .test)
        await #expect(throws: AccountsError.emailTaken) {
            try await accounts.invite(good("bob@example.com"), as: .root, to: empty.id, for: admin, by: .test)
        }
    }

    @Test("what somebody has given away ends with their rights", arguments: [true, false])
    func withRights(isRemoved: Bool) async throws {
        let bob = try await house.join(ada.account, "bob@example.com", as: .root)
        let his = try await invite("kim@example.com", by: bob, as: .root)
        let hers = try await invite("mia@example.com", by: ada)
        if isRemoved {
            try await accounts.remove(bob.id, from: bob.account, for: ada, by: .test)
        } else {
            _ = try await accounts.setRole(.member, of: bob.id, in: bob.account, for: ada, by: .test)
        }
        await #expect(throws: AccountsError.invitationInvalid) { try await accept(his.token) }
        #expect(try await open(ada) == [hers.id])
        #expect(try await accept(hers.token).account == ada.account)
    }

    @Test("users and open invitations together are a hundred at most, and those that ended make room") func limit()
        async throws
    {
        for number in 1..<User.limit { _ = try await invite("user\(number)@example.com", by: ada) }
        await #expect(throws: AccountsError.userLimitReached) { try await invite("more@example.com", by: ada) }
        _ = try await invite("more@example.com", by: eve)
        let last = try await open(ada)[0]
        try await accounts.withdraw(invitation: last, to: ada.account, by: .test)
        _ = try await invite("more@example.com", by: ada)
        await #expect(throws: AccountsError.userLimitReached) { try await invite("most@example.com", by: ada) }
        house.hand.advance(Invitation.lifetime)
        _ = try await invite("most@example.com", by: ada)
    }
}
