import Accounts
import Secrets
import TestSupport
import Testing

/// Ten codes for who has lost their authenticator, each of which works once (ASVS 6.5.2).
@Suite("Recovery codes")
struct RecoveryCodeTests {
    private let house: AccountsHouse
    private let ada: User
    private let codes: [String]

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
        codes = try await house.enrol(ada).recovery.map { $0.exposed() }
    }

    private func opens(_ code: String, _ user: User? = nil) async throws -> Bool {
        do {
            _ = try await house.enter(user ?? ada, code: good(code))
            return true
        } catch AccountsError.signInFailed {
            return false
        }
    }

    @Test("there are ten, each works once, and in the order in which somebody likes") func once() async throws {
        #expect(Set(codes).count == 10)
        for code in codes.reversed() {
            #expect(try await opens(code))
            #expect(try await !opens(code))
        }
        #expect(try await house.count("recovery_codes") == 0)
    }

    @Test("a code is read as people type it") func typed() async throws {
        #expect(try await opens(codes[0].uppercased().replacing("-", with: " ")))
        #expect(try await opens(" " + codes[1].replacing("-", with: "")))
        #expect(try await !opens(codes[0]))
    }

    @Test("a code for another purpose than signing in is used up just so") func elsewhere() async throws {
        let entered = try await house.enter(ada, code: good(codes[0]))
        _ = try await house.reauthenticate(entered, code: good(codes[1]))
        #expect(try await !opens(codes[1]))
    }

    @Test("what fails for another reason uses no code up") func notUsed() async throws {
        await #expect(throws: AccountsError.signInFailed) {
            try await house.enter(ada, "not the right password", code: good(codes[0]))
        }
        #expect(try await opens(codes[0]))
        let entered = try await house.enter(ada, code: good(codes[1]))
        try await house.accounts.signOut(entered.session)
        await #expect(throws: AccountsError.sessionEnded) {
            try await house.reauthenticate(entered, code: good(codes[2]))
        }
        #expect(try await opens(codes[2]))
    }

    @Test("another user's code is none") func others() async throws {
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        let his = try await house.enrol(bob).recovery[0].exposed()
        #expect(try await !opens(codes[0], bob))
        #expect(try await !opens(his))
        #expect(try await opens(his, bob))
    }

    @Test("new codes end the old ones") func renewed() async throws {
        let new = try await house.accounts.renewRecoveryCodes(of: ada, by: .test).map { $0.exposed() }
        #expect(Set(new + codes).count == 20)
        for code in codes.prefix(3) { #expect(try await !opens(code)) }
        for code in new { #expect(try await opens(code)) }
    }
}
