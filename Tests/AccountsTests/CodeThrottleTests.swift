import Accounts
import Secrets
import TestSupport
import Testing
import Values

/// Six digits are few: who has the password may not try them all (ASVS 6.6.3, NIST SP 800-63B-4 §3.2.2).
@Suite("The throttle on codes")
struct CodeThrottleTests {
    private let house: AccountsHouse
    private let ada: User

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
    }

    /// Sends wrong codes, each from a place of its own.
    private func guess(_ count: Int, _ code: SecondFactorCode) async throws {
        for place in 1...count {
            await #expect(throws: AccountsError.signInFailed) {
                try await house.enter(ada, code: code, from: "198.51.100.\(place)")
            }
        }
    }

    @Test("ten wrong codes for one user, from wherever, and then not even the right one until the window ends")
    func perUser() async throws {
        let (totp, recovery) = try await house.enrol(ada)
        try await guess(10, house.wrongCode(totp))
        await #expect(throws: AccountsError.tooManyAttempts(retryAfterSeconds: 900)) {
            try await house.enter(ada, code: house.code(totp), from: "203.0.113.1")
        }
        // Another user's codes are counted apart.
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        let his = try await house.enrol(bob).totp
        _ = try await house.enter(bob, code: house.code(his))
        house.hand.advance(.seconds(900))
        _ = try await house.enter(ada, code: house.code(totp))
        // Whom somebody with the password shuts out has a way in still: these are too long to be guessed.
        try await guess(10, house.wrongCode(totp))
        _ = try await house.enter(ada, code: good(recovery[0].exposed()))
    }

    @Test("who doesn't have the password can't lock the owner's codes") func strangers() async throws {
        let totp = try await house.enrol(ada).totp
        for place in 1...30 {
            await #expect(throws: AccountsError.signInFailed) {
                try await house.enter(
                    ada, "not the right password", code: house.wrongCode(totp), from: "198.51.100.\(place)")
            }
        }
        _ = try await house.enter(ada, code: house.code(totp))
    }

    @Test("a right code forgives the wrong ones before it") func forgiven() async throws {
        let totp = try await house.enrol(ada).totp
        try await guess(9, house.wrongCode(totp))
        _ = try await house.enter(ada, code: house.code(totp))
        house.hand.advance(.seconds(30))
        try await guess(9, house.wrongCode(totp))
        _ = try await house.enter(ada, code: house.code(totp))
    }

    @Test("a proof without a code forgives no wrong code") func notForgiven() async throws {
        let totp = try await house.enrol(ada).totp
        let entered = try await house.enter(ada, code: house.code(totp))
        try await guess(9, house.wrongCode(totp))
        // Fresh as the session is, no code is asked for.
        try await house.changePassword(entered, to: "nine red herons in rain")
        await #expect(throws: AccountsError.signInFailed) {
            try await house.enter(
                ada, "nine red herons in rain", code: house.wrongCode(totp), from: "198.51.100.77")
        }
        await #expect(throws: AccountsError.tooManyAttempts(retryAfterSeconds: 900)) {
            try await house.enter(
                ada, "nine red herons in rain", code: house.wrongCode(totp), from: "198.51.100.78")
        }
    }

    @Test("an enrolment's codes are throttled too") func enrolment() async throws {
        let totp = try await house.accounts.beginSecondFactor(of: ada)
        for _ in 0..<10 {
            await #expect(throws: AccountsError.wrongCode) {
                try await house.accounts.confirmSecondFactor(
                    of: ada, .none(at: house.hand.now), house.wrongCode(totp), by: .test)
            }
        }
        await #expect(throws: AccountsError.tooManyAttempts(retryAfterSeconds: 900)) {
            try await house.accounts.confirmSecondFactor(
                of: ada, .none(at: house.hand.now), house.code(totp), by: .test)
        }
    }

    @Test("a proof that succeeds gives its source back the one attempt that it took, and no more") func sourceCount()
        async throws
    {
        let totp = try await house.enrol(ada).totp
        let entered = try await house.enter(ada, code: house.code(totp))
        let passwords = ["nine red herons in rain", "ten grey owls at dusk", goodPassword]
        var old = goodPassword
        for new in passwords + passwords {
            try await house.changePassword(entered, from: old, to: new)
            old = new
        }
        var failed = 0
        for number in 0..<110 {
            do {
                _ = try await house.accounts.signIn(
                    email: good("user\(number)@example.com"), Proof(password: good("x"), code: nil),
                    from: IPAddress("192.0.2.1"), by: .test)
            } catch AccountsError.signInFailed {
                failed += 1
            } catch AccountsError.tooManyAttempts {
                break
            }
        }
        #expect(failed == 100)
    }
}
