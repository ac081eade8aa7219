import Accounts
import Secrets
import TestSupport
import Testing
import Values

/// How long a proof of the person stands, and how it is renewed (ASVS 7.2.4, 7.5.1).
@Suite("Fresh sessions")
struct FreshnessTests {
    private let house: AccountsHouse
    private let ada: User
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
    }

    private func session(_ token: Secret) async throws -> Session? {
        try await accounts.actor(sessionToken: token)?.session
    }

    @Test("a session is fresh for five minutes after the sign-in, and use does not prolong that") func ends()
        async throws
    {
        let entered = try await house.enter(ada)
        let end = house.hand.now.adding(.seconds(300))
        #expect(entered.session.freshUntil == end)
        house.hand.advance(.seconds(250))
        #expect(try await session(entered.token)?.freshUntil == end)
        house.hand.advance(.seconds(50) - .microseconds(1))
        #expect(try #require(await session(entered.token)).isFresh(at: house.hand.now))
        house.hand.advance(.microseconds(1))
        #expect(try #require(await session(entered.token)).isFresh(at: house.hand.now) == false)
    }

    @Test("it is never fresh beyond its end") func notBeyondEnd() async throws {
        let entered = try await house.enter(ada)
        var latest = entered
        while house.hand.now.adding(.seconds(1500)) < entered.session.expiresAt {
            house.hand.advance(.seconds(1200))
            #expect(try await house.isAlive(latest.token))
        }
        let left = entered.session.expiresAt.microseconds - house.hand.now.microseconds
        house.hand.advance(.microseconds(left - 60_000_000))
        latest = try await house.reauthenticate(latest)
        #expect(latest.session.freshUntil == entered.session.expiresAt)
        #expect(latest.session.expiresAt == entered.session.expiresAt)
        house.hand.advance(.seconds(60))
        #expect(try await !house.isAlive(latest.token))
    }

    @Test("reauthentication makes it fresh under a new token; the old one is worth nothing from then on")
    func reauthentication() async throws {
        let entered = try await house.enter(ada)
        let bystander = try await house.enter(ada)
        house.hand.advance(.seconds(600))
        let again = try await house.reauthenticate(entered)
        #expect(again.session.id == entered.session.id)
        #expect(again.session.freshUntil == house.hand.now.adding(.seconds(300)))
        #expect(again.session.expiresAt == entered.session.expiresAt)
        #expect(again.token.exposed() != entered.token.exposed())
        #expect(try await !house.isAlive(entered.token))
        #expect(try await session(again.token)?.freshUntil == again.session.freshUntil)
        #expect(try await session(bystander.token)?.isFresh(at: house.hand.now) == false)
        #expect(try await house.count("sessions") == 2)
        #expect(try await house.actions().first == "session.reauthenticate")
    }

    @Test("a wrong password leaves the session as it was, under the token that it has") func wrong() async throws {
        let entered = try await house.enter(ada)
        house.hand.advance(.seconds(600))
        await #expect(throws: AccountsError.signInFailed) {
            try await house.reauthenticate(entered, goodPassword + "!")
        }
        let session = try #require(try await session(entered.token))
        #expect(session.freshUntil == entered.session.freshUntil)
    }

    @Test("wrong passwords are throttled as at the sign-in, and count together with those") func throttled()
        async throws
    {
        let entered = try await house.enter(ada)
        for round in 0..<10 {
            await #expect(throws: AccountsError.signInFailed) {
                if round.isMultiple(of: 2) {
                    _ = try await house.reauthenticate(entered, "not the right password")
                } else {
                    _ = try await house.enter(ada, "not the right password")
                }
            }
        }
        await #expect(throws: AccountsError.tooManyAttempts(retryAfterSeconds: 900)) {
            try await house.reauthenticate(entered)
        }
        _ = try await house.reauthenticate(entered, from: "198.51.100.7")
    }

    @Test("a session that was signed out, or has ended, can't be made fresh again") func ended() async throws {
        let out = try await house.enter(ada)
        try await accounts.signOut(out.session)
        await #expect(throws: AccountsError.sessionEnded) { try await house.reauthenticate(out) }
        let old = try await house.enter(ada)
        house.hand.advance(Platform.absolute)
        await #expect(throws: AccountsError.sessionEnded) { try await house.reauthenticate(old) }
        #expect(try await !house.isAlive(old.token))
    }

    @Test("of two reauthentications at once, one token is left that works") func race() async throws {
        let entered = try await house.enter(ada)
        let house = house
        let tokens = try await withThrowingTaskGroup(of: Secret.self) { group in
            for _ in 0..<4 { group.addTask { try await house.reauthenticate(entered).token } }
            return try await group.reduce(into: [Secret]()) { $0.append($1) }
        }
        var alive = 0
        for token in tokens where try await house.isAlive(token) { alive += 1 }
        #expect(alive == 1)
        #expect(try await !house.isAlive(entered.token))
    }
}
