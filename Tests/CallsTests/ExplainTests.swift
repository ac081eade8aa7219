import Accounts
import Applications
import Calls
import Credentials
import Metering
import Policy
import TestSupport
import Testing
import Values

import struct Applications.Application

@Suite("Explaining what would come of a call")
struct ExplainTests {
    private let house: CallsHouse

    init() async throws {
        house = try await CallsHouse()
        try await house.grant(100)
    }

    private func explain(
        _ credential: Credential, of user: User? = nil, _ app: Application? = nil, model: String? = nil,
        from address: IPAddress? = nil, on origin: WebOrigin = .none, after seconds: Int64 = 0
    ) async throws -> Explanation {
        let call = CallFacts(
            addressedApplication: (app ?? house.cat).id, address: address, origin: origin,
            time: house.hand.now.adding(.seconds(seconds)))
        return try await house.calls.explain(
            credential.id, of: (user ?? house.ada).account, call, model: model.map { Text($0) })
    }

    @Test("it leaves every table as it was, allowed or denied, and the memory of uses too") func changesNothing()
        async throws
    {
        let made = try await house.issue(
            KeyTerms(creditLimit: Credits(micro: 5_000_000), addresses: [try good("192.0.2.1")]))
        let before = try await house.dump()
        #expect(before.count > 15)
        for model in [nil, "large", "absent"] {
            for address in [nil, IPAddress("192.0.2.1")] {
                for app in [house.cat, house.dog] {
                    _ = try await explain(made.credential, app, model: model, from: address, on: .unknown)
                    _ = try await explain(made.credential, app, model: model, from: address)
                }
            }
        }
        try await house.credentials.recordUses()
        #expect(try await house.dump() == before)
    }

    @Test("every step is run, whatever came of those before; the credits are skipped where there is no model")
    func everyStep() async throws {
        let made = try await house.issue(
            KeyTerms(
                expiresAt: house.hand.now.adding(.seconds(60)), creditLimit: .zero, monthlyLimit: .zero,
                addresses: [try good("192.0.2.1")]))
        try await house.edit(made.credential) { $0.isEnabled = false }
        try await house.suspend(true)
        let worst = try await explain(made.credential, house.dog, model: "echo", on: .unknown, after: 60)
        #expect(
            worst.steps.map(\.outcome) == [
                .denied(.wrongApp), .denied(.keyExpired), .denied(.keyDisabled), .denied(.accountSuspended),
                .denied(.ipNotAllowed), .denied(.browserNotAllowed), .passed, .denied(.creditLimitReached),
                .denied(.monthlyLimitReached), .passed,
            ])
        #expect(worst.verdict == .wrongApp)
        #expect(worst.remaining == nil)
        let absent = try await explain(made.credential, model: "absent")
        #expect(absent.steps.suffix(4).map(\.outcome) == [.denied(.modelNotFound), .skipped, .skipped, .skipped])
        #expect(absent.cost == nil)
        // A model that may not be used has a price all the same.
        let other = try await house.issue(KeyTerms(models: ["small"]))
        let denied = try await explain(other.credential, model: "large")
        #expect(denied.verdict == .accountSuspended)
        #expect(denied.steps[6].outcome == .denied(.modelNotAllowed))
        #expect(denied.cost == Credits(micro: 7_000_000))
    }

    @Test("a time to come has its own month, its own expiry and the credits of today") func later() async throws {
        let made = try await house.issue(
            KeyTerms(
                expiresAt: house.hand.now.adding(.seconds(86_400 * 40)), monthlyLimit: Credits(micro: 1_000_000)))
        _ = try await house.ask(made.key, charging: "r1")
        #expect(try await explain(made.credential).verdict == .monthlyLimitReached)
        let nextMonth = try await explain(made.credential, after: 86_400 * 35)
        #expect(nextMonth.verdict == nil)
        #expect(nextMonth.remaining == .zero)
        #expect(try await explain(made.credential, after: 86_400 * 40).verdict == .keyExpired)
    }

    @Test("another account's key is not found") func tenants() async throws {
        let made = try await house.issue()
        await #expect(throws: CredentialsError.notFound) { try await explain(made.credential, of: house.bob) }
    }
}
