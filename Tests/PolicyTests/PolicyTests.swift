import Policy
import Testing

@Suite("The order of checks")
struct PolicyTests {
    private let cat = Identifier(at: Timestamp(microseconds: 0), random: (1, 2))
    private let dog = Identifier(at: Timestamp(microseconds: 0), random: (3, 4))
    private let now = Timestamp(microseconds: 1_000_000)

    private func decide(
        addressed: Identifier? = nil, expiresAt: Timestamp? = nil, model: RequestedModel = .none,
        isSuspended: Bool = false
    ) -> Result<String, Denial> {
        Policy.decide(
            CallFacts(addressedApplication: addressed, model: model, time: now),
            key: KeyFacts(application: cat, expiresAt: expiresAt), account: AccountFacts(isSuspended: isSuspended),
            app: AppRules(model: "small", allowedModels: ["small", "large"]))
    }

    @Test("a key opens its own app, with or without its address") func rightApp() {
        #expect(decide() == .success("small"))
        #expect(decide(addressed: cat) == .success("small"))
        #expect(decide(addressed: dog) == .failure(.wrongApp))
    }

    @Test("the instant of expiry is too late, the microsecond before is not") func expiry() {
        #expect(decide(expiresAt: now) == .failure(.keyExpired))
        #expect(decide(expiresAt: Timestamp(microseconds: now.microseconds + 1)) == .success("small"))
        #expect(decide(expiresAt: Timestamp(microseconds: now.microseconds - 1)) == .failure(.keyExpired))
    }

    @Test("models: none, allowed, not allowed, unknown") func models() {
        #expect(decide(model: .known("large")) == .success("large"))
        #expect(decide(model: .known("other")) == .failure(.modelNotAllowed))
        #expect(decide(model: .unknown) == .failure(.modelNotFound))
    }

    @Test("the first failure in the design's order is the verdict") func order() {
        let past = Timestamp(microseconds: 0)
        #expect(decide(addressed: dog, expiresAt: past, model: .unknown) == .failure(.wrongApp))
        #expect(decide(addressed: cat, expiresAt: past, model: .unknown) == .failure(.keyExpired))
        #expect(decide(addressed: dog, model: .unknown, isSuspended: true) == .failure(.wrongApp))
        #expect(decide(expiresAt: past, model: .unknown, isSuspended: true) == .failure(.keyExpired))
        #expect(decide(model: .unknown, isSuspended: true) == .failure(.accountSuspended))
        #expect(decide(model: .known("other"), isSuspended: true) == .failure(.accountSuspended))
        #expect(decide(isSuspended: true) == .failure(.accountSuspended))
    }

    @Test("the checks of the key alone and of the account alone are those of the whole") func parts() {
        let call = CallFacts(addressedApplication: dog, model: .unknown, time: now)
        let key = KeyFacts(application: cat, expiresAt: now)
        #expect(Policy.admit(call, key: key) == .wrongApp)
        #expect(
            Policy.admit(CallFacts(addressedApplication: nil, model: .unknown, time: now), key: key) == .keyExpired)
        #expect(Policy.admit(call, key: KeyFacts(application: dog, expiresAt: nil)) == nil)
        #expect(Policy.admit(AccountFacts(isSuspended: true)) == .accountSuspended)
        #expect(Policy.admit(AccountFacts(isSuspended: false)) == nil)
    }

    @Test("every denial has its own stable code") func codes() {
        #expect(Set(Denial.allCases.map(\.rawValue)).count == Denial.allCases.count)
        #expect(Denial.wrongApp.rawValue == "wrong_app")
    }
}

@Suite("Caps on creation")
struct CredentialCapTests {
    @Test("a cap is 3 to 10 and nothing else") func range() {
        let allowed = (-5...20).filter { CredentialCap($0) != nil }
        #expect(allowed == Array(3...10))
        #expect(CredentialCap.standard.value == 10)
    }

    @Test("the last free slot may be taken, one more may not", arguments: 3...10)
    func cap(value: Int) throws {
        let cap = try #require(CredentialCap(value))
        #expect(Policy.mayCreate(live: value - 1, cap: cap, createdToday: 0) == nil)
        #expect(Policy.mayCreate(live: value, cap: cap, createdToday: 0) == .capReached(cap))
        #expect(Policy.mayCreate(live: value + 1, cap: cap, createdToday: 0) == .capReached(cap))
    }

    @Test("ten creations a day, counted apart from the cap") func daily() {
        #expect(Policy.mayCreate(live: 0, cap: .standard, createdToday: 9) == nil)
        #expect(Policy.mayCreate(live: 0, cap: .standard, createdToday: 10) == .dailyLimitReached(limit: 10))
    }
}
