import Accounts
import Database
import Secrets
import TestSupport
import Testing
import Values

/// What a clock that was ahead has left: none of it goes on for as long as the clock was ahead.
@Suite("After a clock was ahead")
struct ClockAheadTests {
    private let house: AccountsHouse
    private let ada: User
    private let year: Duration = .seconds(365 * 86_400)
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
    }

    private func isFresh(_ token: Secret) async throws -> Bool? {
        try await accounts.actor(sessionToken: token)?.session?.isFresh(at: house.hand.now)
    }

    @Test("what was proved in the future is not fresh, not even by a microsecond") func fresh() async throws {
        let entered = try await house.enter(ada)
        #expect(try await isFresh(entered.token) == true)
        house.hand.advance(.microseconds(-1))
        #expect(try await isFresh(entered.token) == false)
        house.hand.advance(.microseconds(1))
        #expect(try await isFresh(entered.token) == true)
    }

    @Test("a session that was begun in the future is over, is listed no more and goes with the next sign-in")
    func begun() async throws {
        house.hand.advance(year)
        let entered = try await house.enter(ada)
        house.hand.advance(.seconds(-60))
        #expect(try await house.isAlive(entered.token))
        #expect(try await accounts.sessions(of: ada.id, Page()).items.count == 1)
        house.hand.advance(.microseconds(-1))
        #expect(try await !house.isAlive(entered.token))
        #expect(try await accounts.sessions(of: ada.id, Page()).items.isEmpty)
        house.hand.advance(.zero - year)
        #expect(try await !house.isAlive(entered.token))
        _ = try await house.enter(ada)
        #expect(try await house.count("sessions") == 1)
    }

    @Test("who signs in with the most sessions there can be is in, also when those are newer by the clock")
    func most() async throws {
        for _ in 0..<SessionSummary.limit { _ = try await house.enter(ada) }
        house.hand.advance(.seconds(-30))
        let entered = try await house.enter(ada)
        #expect(try await house.isAlive(entered.token))
        #expect(try await house.count("sessions") == SessionSummary.limit)
    }

    @Test("so is one whose person has proved who they are again in the future") func renewed() async throws {
        let entered = try await house.enter(ada)
        house.hand.advance(.seconds(1200))
        let again = try await house.reauthenticate(entered)
        #expect(try await house.isAlive(again.token))
        house.hand.advance(.seconds(-1200))
        #expect(try await !house.isAlive(again.token))
        house.hand.advance(.seconds(1200))
        #expect(try await isFresh(again.token) == true)
    }

    @Test("a reset that was made in the future is good for no longer than any other") func reset() async throws {
        house.hand.advance(year)
        let token = try await house.resetToken(of: ada)
        house.hand.advance(.zero - year)
        await #expect(throws: AccountsError.resetInvalid) {
            try await accounts.resetPassword(token: token, to: good(goodPassword), by: .test)
        }
        house.hand.advance(year - .seconds(60))
        try await accounts.resetPassword(token: token, to: good(goodPassword), by: .test)
    }

    @Test("neither is an invitation; it holds no place and is not listed") func invitation() async throws {
        house.hand.advance(year)
        let (_, token) = try await accounts.invite(
            good("bob@example.com"), as: .member, to: ada.account, for: ada, by: .test)
        #expect(try await accounts.invitations(to: ada.account, Page()).items.count == 1)
        house.hand.advance(.zero - year)
        #expect(try await accounts.invitations(to: ada.account, Page()).items.isEmpty)
        await #expect(throws: AccountsError.invitationInvalid) {
            try await accounts.accept(invitation: token.exposed(), password: good(goodPassword), by: .test)
        }
        // Another one takes its place.
        let (_, again) = try await accounts.invite(
            good("bob@example.com"), as: .member, to: ada.account, for: ada, by: .test)
        _ = try await accounts.accept(invitation: again.exposed(), password: good(goodPassword), by: .test)
    }

    @Test("a code that was used in the future shuts nobody out") func code() async throws {
        let totp = try await house.enrol(ada).totp
        house.hand.advance(year)
        _ = try await house.enter(ada, code: house.code(totp))
        house.hand.advance(.zero - year)
        _ = try await house.enter(ada, code: house.code(totp))
        await #expect(throws: AccountsError.signInFailed) { try await house.enter(ada, code: house.code(totp)) }
    }
}
