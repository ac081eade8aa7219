import Accounts
import Secrets
import TestSupport
import Testing

/// A proof takes the time of an Argon2id. What changes meanwhile undoes it.
@Suite("Proofs that are overtaken")
struct ProofRaceTests {
    private let house: AccountsHouse
    /// Her password is hashed with so much work that a change fits into a check of it.
    private let ada: User
    private let slow: Accounts
    private let pool = TestPool.pool(memoryKiB: 65_536, iterations: 8)
    private let other = "nine red herons in rain"

    init() async throws {
        house = try AccountsHouse()
        slow = try Platform.accounts(over: house.database, house.hand.clock, pool: pool)
        // Another operator, without whom she could not be removed.
        _ = try await house.admin("operator@example.com")
        ada = try await slow.createAdmin(
            email: good("ada@example.com"), password: good(goodPassword), accountName: good("Ada"), onlyFirst: false,
            by: .test)
    }

    private enum Change: CaseIterable {
        case reset
        case remove
        case secondFactor
    }

    private func make(_ change: Change) async throws {
        let fast = house.accounts
        switch change {
        case .reset:
            try await fast.resetPassword(token: house.resetToken(of: ada), to: good(other), by: .test)
        case .remove: try await fast.remove(ada.id, from: ada.account, for: .operator, by: .test)
        case .secondFactor: _ = try await house.enrol(ada)
        }
    }

    @Test("a sign-in that a reset, a removal or an enrolment overtakes opens no session", arguments: Change.allCases)
    private func signIn(change: Change) async throws {
        _ = try await house.join(ada.account, "bob@example.com", as: .root)
        let (slow, ada) = (slow, ada)
        let began = Task {
            try await slow.signIn(
                email: good(ada.email), Proof(password: good(goodPassword), code: nil), from: nil, by: .test
            ).1
        }
        try await Task.sleep(for: .milliseconds(40))
        try await make(change)
        // Whichever came first: after the change there is no session that has not met it.
        do {
            let token = try await began.value
            #expect(try await !house.isAlive(token))
        } catch let error as AccountsError {
            #expect(error == (change == .secondFactor ? .secondFactorRequired : .signInFailed))
        }
        #expect(try await house.count("sessions") == 0)
    }

    @Test("a reauthentication or a change of password that a reset overtakes does nothing", arguments: [true, false])
    func reauthentication(isChange: Bool) async throws {
        let (actor, _) = try await slow.signIn(
            email: good(ada.email), Proof(password: good(goodPassword), code: nil), from: nil, by: .test)
        let session = try #require(actor.session)
        let slow = slow
        let token = try await house.resetToken(of: ada)
        let began = Task {
            let proof = Proof(password: try good(goodPassword), code: nil)
            if isChange {
                _ = try await slow.changePassword(
                    of: actor, session, proof, to: good("ten grey owls at dusk"), from: nil, by: .test)
            } else {
                _ = try await slow.reauthenticate(actor, session, proof, from: nil, by: .test)
            }
        }
        try await Task.sleep(for: .milliseconds(40))
        let reset = await Task { [house, other] in
            try await house.accounts.resetPassword(token: token, to: good(other), by: .test)
        }.result
        let result = await began.result
        if case .failure(let error) = reset {
            // The change came first after all, and closed the way that the reset was to take.
            #expect(isChange && error as? AccountsError == .resetInvalid)
            try result.get()
            return
        }
        #expect(try await house.count("sessions") == 0)
        _ = try await house.enter(ada, other)
        if case .failure(let error) = result {
            #expect([.signInFailed, .sessionEnded].contains(error as? AccountsError))
        }
    }

    @Test(
        "a change of password that a sign-in overtakes with a first pair of keys leaves one that the new password opens"
    )
    func firstPair() async throws {
        let (actor, _) = try await slow.signIn(
            email: good(ada.email), Proof(password: good(goodPassword), code: nil), from: nil, by: .test)
        let session = try #require(actor.session)
        try await house.tamper("DELETE FROM reveal_keys")
        let (house, slow, ada, other) = (house, slow, ada, other)
        async let changed = slow.changePassword(
            of: actor, session, Proof(password: good(goodPassword), code: nil), to: good(other), from: nil, by: .test)
        // With less work behind it than the change has, it is done first.
        async let entered = house.accounts.signIn(
            email: good(ada.email), Proof(password: good(goodPassword), code: nil), from: nil, by: .test)
        _ = try? await entered
        _ = try await changed
        let (now, _) = try await slow.signIn(
            email: good(ada.email), Proof(password: good(other), code: nil), from: nil, by: .test)
        let opened = try await slow.unlockRevealPair(
            of: now, try #require(now.session), Proof(password: good(other), code: nil), from: nil)
        #expect(try await opened.0?.publicKey.text == house.revealKeys(of: ada.account)[ada.id])
        #expect(opened.0 != nil)
    }
}
