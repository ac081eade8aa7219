import Accounts
import Secrets
import TestSupport
import Testing
import Values

/// A new password in place of one that is known: what the old one locked, the new one locks (ASVS 6.2.3, 7.4.3).
@Suite("Changing a password")
struct PasswordChangeTests {
    private let house: AccountsHouse
    private let ada: User
    private let other = "nine red herons in rain"
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
    }

    /// The public key that belongs to the private one which this password opens.
    private func opened(_ entered: AccountsHouse.Entered, _ password: String) async throws -> String? {
        try await accounts.unlockRevealPair(
            of: entered.actor, entered.session, Proof(password: good(password), code: nil),
            from: IPAddress("192.0.2.1")
        ).0?.publicKey.text
    }

    @Test("the new password opens the key that the old one did, and the old one opens nothing") func rewraps()
        async throws
    {
        let entered = try await house.enter(ada)
        let key = try await opened(entered, goodPassword)
        #expect(key != nil)
        #expect(try await house.revealKeys(of: ada.account) == [ada.id: key])
        try await house.changePassword(entered, to: other)
        #expect(try await opened(entered, other) == key)
        #expect(try await house.revealKeys(of: ada.account) == [ada.id: key])
        await #expect(throws: AccountsError.signInFailed) { try await opened(entered, goodPassword) }
        await #expect(throws: AccountsError.signInFailed) { try await house.enter(ada) }
        _ = try await house.enter(ada, other)
    }

    @Test("other sessions of the user end; the one that changed it goes on under a new token, other people's go on")
    func sessions()
        async throws
    {
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        let (own, hers, his) = (try await house.enter(ada), try await house.enter(ada), try await house.enter(bob))
        let token = try await house.changePassword(own, to: other)
        #expect(try await !house.isAlive(own.token))
        #expect(try await accounts.actor(sessionToken: token)?.session?.id == own.session.id)
        #expect(try await !house.isAlive(hers.token))
        #expect(try await house.isAlive(his.token))
        #expect(try await house.actions().first == "password.change")
    }

    @Test("a wrong current password, or a weak new one, changes nothing", arguments: [true, false])
    func refused(isWrong: Bool) async throws {
        let (own, hers) = (try await house.enter(ada), try await house.enter(ada))
        let before = [try await house.text("password_phc", of: ada), try await house.lock(of: ada)]
        await #expect(throws: AccountsError.self) {
            try await house.changePassword(
                own, from: isWrong ? "not the right password" : goodPassword, to: isWrong ? other : "passwordpassword")
        }
        #expect(
            try await before == [house.text("password_phc", of: ada), house.lock(of: ada)])
        #expect(try await house.isAlive(hers.token))
        _ = try await house.enter(ada)
    }

    @Test("a code is asked for where there is a second factor and the session is not fresh") func code() async throws {
        let totp = try await house.enrol(ada).totp
        let entered = try await house.enter(ada, code: house.code(totp))
        try await house.changePassword(entered, to: other)
        house.hand.advance(.seconds(300))
        await #expect(throws: AccountsError.secondFactorRequired) {
            try await house.changePassword(entered, from: other, to: goodPassword)
        }
        await #expect(throws: AccountsError.signInFailed) {
            try await house.changePassword(entered, from: other, to: goodPassword, code: house.wrongCode(totp))
        }
        let code = try house.code(totp)
        try await house.changePassword(entered, from: other, to: goodPassword, code: code)
        await #expect(throws: AccountsError.signInFailed) { try await house.enter(ada, code: code) }
    }

    @Test("a code that comes though none is needed has to be right, too") func uncalledFor() async throws {
        let totp = try await house.enrol(ada).totp
        let entered = try await house.enter(ada, code: house.code(totp))
        await #expect(throws: AccountsError.signInFailed) {
            try await house.changePassword(entered, to: other, code: house.wrongCode(totp))
        }
        house.hand.advance(.seconds(30))
        let code = try house.code(totp)
        try await house.changePassword(entered, to: other, code: code)
        await #expect(throws: AccountsError.signInFailed) { try await house.enter(ada, other, code: code) }
    }

    @Test("a way to a new password that was open is closed") func closesResets() async throws {
        let token = try await house.resetToken(of: ada)
        try await house.changePassword(house.enter(ada), to: other)
        await #expect(throws: AccountsError.resetInvalid) {
            try await accounts.resetPassword(token: token, to: good(goodPassword), by: .test)
        }
    }

    @Test("of two changes at once one is refused, and the password is the other's, with the same key") func race()
        async throws
    {
        let entered = try await house.enter(ada)
        let key = try await opened(entered, goodPassword)
        let house = house
        let new = [other, "ten grey owls at dusk"]
        let done = try await withThrowingTaskGroup(of: String?.self) { group in
            for password in new {
                group.addTask {
                    do {
                        try await house.changePassword(entered, to: password)
                        return password
                    } catch AccountsError.signInFailed {
                        return nil
                    }
                }
            }
            return try await group.reduce(into: [String]()) { if let password = $1 { $0.append(password) } }
        }
        let password = try #require(done.first)
        #expect(done.count == 1)
        #expect(try await opened(entered, password) == key)
    }
}
