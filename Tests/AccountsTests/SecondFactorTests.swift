import Accounts
import Secrets
import TestSupport
import Testing

/// Codes of an authenticator beside the password: each once, and only who has the password gets to try them
/// (ASVS 6.5.1, 6.5.5, 6.6.3).
@Suite("The second factor")
struct SecondFactorTests {
    private let house: AccountsHouse
    private let ada: User
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
    }

    private func confirm(_ code: SecondFactorCode) async throws {
        _ = try await accounts.confirmSecondFactor(of: ada, .none(at: house.hand.now), code, by: .test)
    }

    @Test("a secret that nobody has confirmed stands for nothing") func draft() async throws {
        let totp = try await accounts.beginSecondFactor(of: ada)
        #expect(try await !house.enter(ada).actor.user.hasSecondFactor)
        await #expect(throws: AccountsError.wrongCode) { try await confirm(house.wrongCode(totp)) }
        #expect(try await !house.enter(ada).actor.user.hasSecondFactor)
        await #expect(throws: AccountsError.noSecondFactor) {
            try await accounts.renewRecoveryCodes(of: ada, by: .test)
        }
        await #expect(throws: AccountsError.noSecondFactor) {
            try await accounts.removeSecondFactor(of: ada.id, in: ada.account, by: .test)
        }
        try await confirm(house.code(totp))
        await #expect(throws: AccountsError.secondFactorRequired) { try await house.enter(ada) }
    }

    @Test("a second beginning takes the place of the first, and there is none beside one that is set") func begins()
        async throws
    {
        await #expect(throws: AccountsError.noEnrolment) { try await confirm(good("123456")) }
        let first = try await accounts.beginSecondFactor(of: ada)
        let second = try await accounts.beginSecondFactor(of: ada)
        let codes = [try house.code(first), try house.code(second)]
        await #expect(throws: AccountsError.wrongCode) { try await confirm(codes[0]) }
        try await confirm(codes[1])
        await #expect(throws: AccountsError.secondFactorSet) { try await accounts.beginSecondFactor(of: ada) }
        await #expect(throws: AccountsError.noEnrolment) { try await confirm(house.code(second, later: 1)) }
    }

    @Test("that a code is missing is said only to who has the password") func required() async throws {
        let (totp, _) = try await house.enrol(ada)
        await #expect(throws: AccountsError.secondFactorRequired) { try await house.enter(ada) }
        await #expect(throws: AccountsError.signInFailed) { try await house.enter(ada, "not the right password") }
        await #expect(throws: AccountsError.signInFailed) {
            try await house.enter(ada, "not the right password", code: house.code(totp))
        }
        // Which did not use the code up.
        #expect(try await house.enter(ada, code: house.code(totp)).actor.user.hasSecondFactor)
    }

    @Test("a code works once, wherever it is asked for, and so does the one that confirmed the enrolment")
    func replay() async throws {
        let totp = try await accounts.beginSecondFactor(of: ada)
        let first = try house.code(totp)
        try await confirm(first)
        await #expect(throws: AccountsError.signInFailed) { try await house.enter(ada, code: first) }
        house.hand.advance(.seconds(30))
        let second = try house.code(totp)
        let entered = try await house.enter(ada, code: second)
        for code in [first, second] {
            await #expect(throws: AccountsError.signInFailed) { try await house.enter(ada, code: code) }
            await #expect(throws: AccountsError.signInFailed) {
                try await house.reauthenticate(entered, code: code)
            }
        }
        house.hand.advance(.seconds(30))
        let third = try house.code(totp)
        let again = try await house.reauthenticate(entered, code: third)
        house.hand.advance(.seconds(1200))
        await #expect(throws: AccountsError.secondFactorRequired) { try await house.reauthenticate(again) }
    }

    @Test("one step early or late will do, two will not; and none at or before the last that was used") func steps()
        async throws
    {
        let (totp, _) = try await house.enrol(ada)
        house.hand.advance(.seconds(300))
        for steps in [-2, 2] as [Int64] {
            await #expect(throws: AccountsError.signInFailed) {
                try await house.enter(ada, code: house.code(totp, later: steps))
            }
        }
        _ = try await house.enter(ada, code: house.code(totp, later: -1))
        _ = try await house.enter(ada, code: house.code(totp, later: 1))
        // Later than now was used: now is not taken any more.
        await #expect(throws: AccountsError.signInFailed) { try await house.enter(ada, code: house.code(totp)) }
    }

    @Test("of many who send one code at once, one gets in") func race() async throws {
        let (totp, recovery) = try await house.enrol(ada)
        let digits = try house.code(totp)
        let spare: SecondFactorCode = try good(recovery[0].exposed())
        let (house, ada) = (house, ada)
        for code in [digits, spare] {
            let entered = try await withThrowingTaskGroup(of: Bool.self) { group in
                for peer in 1...6 {
                    group.addTask {
                        do {
                            _ = try await house.enter(ada, code: code, from: "192.0.2.\(peer)")
                            return true
                        } catch AccountsError.signInFailed {
                            return false
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(entered == 1)
        }
        #expect(try await house.count("sessions") == 2)
    }

    @Test("without the second factor the password is enough again, and the next one is another") func removal()
        async throws
    {
        let (old, recovery) = try await house.enrol(ada)
        try await accounts.removeSecondFactor(of: ada.id, in: ada.account, by: .test)
        #expect(try await !house.enter(ada).actor.user.hasSecondFactor)
        let (new, _) = try await house.enrol(ada)
        #expect(old.base32 != new.base32)
        for code in [try house.code(old), try good(recovery[0].exposed())] {
            await #expect(throws: AccountsError.signInFailed) { try await house.enter(ada, code: code) }
        }
        _ = try await house.enter(ada, code: house.code(new))
        await #expect(throws: AccountsError.notFound) {
            let eve = try await house.user("eve@example.com")
            try await accounts.removeSecondFactor(of: ada.id, in: eve.account, by: .test)
        }
        #expect(
            try await house.actions().filter { $0.hasPrefix("second_factor") } == [
                "second_factor.set", "second_factor.remove", "second_factor.set",
            ])
    }

    @Test("at rest the secret is sealed to its user: in another's place it opens nothing") func atRest() async throws {
        let (totp, recovery) = try await house.enrol(ada)
        for secret in [totp.base32, recovery[0].exposed()] { #expect(try !house.isOnDisk(secret)) }
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        try await house.tamper(
            """
            UPDATE users SET totp_secret = (SELECT totp_secret FROM users WHERE email = 'ada@example.com')
            WHERE email = 'bob@example.com'
            """)
        await #expect(throws: SealingError.self) { try await house.enter(bob, code: house.code(totp)) }
    }
}
