import Policy
import Testing
import Values

/// The facts of one call, which is allowed until a test changes one of them.
struct Facts {
    static let cat = Identifier(at: Timestamp(microseconds: 0), random: (1, 2))
    static let dog = Identifier(at: Timestamp(microseconds: 0), random: (3, 4))
    static let now = Timestamp(microseconds: 1_000_000)

    var addressed: Identifier?
    var isDisabled = false
    var terms = KeyTerms()
    var isSuspended = false
    var address = IPAddress("192.0.2.1")
    var origin = WebOrigin.none
    var model = RequestedModel.none
    var allowedModels = ["small", "large"]

    var call: CallFacts {
        CallFacts(
            addressedApplication: addressed, address: address, origin: origin, model: model, time: Self.now)
    }
    var key: KeyFacts { KeyFacts(application: Self.cat, isDisabled: isDisabled, terms: terms) }
    var account: AccountFacts { AccountFacts(isSuspended: isSuspended) }
    var app: AppRules { AppRules(model: "small", allowedModels: allowedModels) }

    var verdict: Result<String, Denial> {
        if let denial = Policy.admit(call, key: key, account: account) { return .failure(denial) }
        return Policy.model(of: call, key: key, app: app)
    }
    var denial: Denial? {
        guard case .failure(let denial) = verdict else { return nil }
        return denial
    }

    func with(_ change: (inout Facts) -> Void) -> Facts {
        var facts = self
        change(&facts)
        return facts
    }
}

@Suite("What policy decides")
struct PolicyTests {
    private let facts = Facts()

    @Test("a key opens its own app, with or without its address") func rightApp() {
        #expect(facts.verdict == .success("small"))
        #expect(facts.with { $0.addressed = Facts.cat }.verdict == .success("small"))
        #expect(facts.with { $0.addressed = Facts.dog }.denial == .wrongApp)
    }

    @Test("the instant of expiry is too late, the microsecond before is not") func expiry() {
        for (offset, denial) in [(-1, Denial.keyExpired), (0, .keyExpired), (1, nil)] as [(Int64, Denial?)] {
            let end = Timestamp(microseconds: Facts.now.microseconds + offset)
            #expect(facts.with { $0.terms.expiresAt = end }.denial == denial)
        }
    }

    @Test("a key that is switched off and an account that is suspended have denials of their own") func status() {
        #expect(facts.with { $0.isDisabled = true }.denial == .keyDisabled)
        #expect(facts.with { $0.isSuspended = true }.denial == .accountSuspended)
    }

    @Test("models: none, allowed, not allowed, unknown") func models() {
        #expect(facts.with { $0.model = .known("large") }.verdict == .success("large"))
        #expect(facts.with { $0.model = .known("other") }.denial == .modelNotAllowed)
        #expect(facts.with { $0.model = .unknown }.denial == .modelNotFound)
    }

    @Test("a key's models narrow its app's and never widen them, also for the app's own") func keyModels() {
        let narrow = facts.with { $0.terms.models = ["large", "other"] }
        #expect(narrow.with { $0.model = .known("large") }.verdict == .success("large"))
        #expect(narrow.with { $0.model = .known("small") }.denial == .modelNotAllowed)
        #expect(narrow.with { $0.model = .known("other") }.denial == .modelNotAllowed)
        #expect(narrow.denial == .modelNotAllowed)
        #expect(facts.with { $0.terms.models = ["small"] }.verdict == .success("small"))
        #expect(facts.with { $0.terms.models = [] }.denial == .modelNotAllowed)
    }

    @Test("every denial has its own stable code") func codes() {
        #expect(Set(Denial.allCases.map(\.rawValue)).count == Denial.allCases.count)
        #expect(Denial.wrongApp.rawValue == "wrong_app")
        #expect(Denial.keyDisabled.rawValue == "key_disabled")
        #expect(
            [Denial.ipNotAllowed, .hostNotAllowed, .browserNotAllowed].map(\.rawValue) == [
                "ip_not_allowed", "host_not_allowed", "browser_not_allowed",
            ])
    }
}
