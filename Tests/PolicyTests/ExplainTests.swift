import Policy
import TestSupport
import Testing
import Values

@Suite("Explaining a decision")
struct ExplainTests {
    /// Facts in which each rule is broken now and then, by values that lie close to each other.
    private static func random(_ generator: inout SplitMix64) -> Facts {
        func pick<T>(_ values: [T]) -> T { values[Int.random(in: values.indices, using: &generator)] }
        func some<T>(_ values: [T]) -> [T] { values.filter { _ in Bool.random(using: &generator) } }
        let blocks = ["192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "::/0", "2001:db8::/32"].compactMap(AddressBlock.init)
        let hosts = ["app.example", "example", "www.app.example"].compactMap(HostName.init)
        let models = ["small", "large", "other"]
        var facts = Facts()
        facts.addressed = pick([nil, nil, Facts.cat, Facts.cat, Facts.dog])
        facts.isDisabled = Int.random(in: 0..<6, using: &generator) == 0
        facts.isSuspended = Int.random(in: 0..<6, using: &generator) == 0
        facts.terms.expiresAt = pick([nil, nil, nil, -1, 0, 1] as [Int64?]).map {
            Timestamp(microseconds: Facts.now.microseconds + $0)
        }
        facts.terms.addresses = Bool.random(using: &generator) ? nil : some(blocks)
        facts.terms.host = pick([nil, nil, hosts[0], hosts[1]])
        facts.terms.models = Bool.random(using: &generator) ? nil : some(models)
        facts.address = pick(
            [nil] + ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1", "2001:db8::1"].map { IPAddress($0) })
        facts.origin = pick([.none, .none, .unknown] + hosts.map { .host($0) })
        facts.model = pick([.none, .unknown] + models.map { .known($0) })
        facts.allowedModels = ["small"] + some(["large"])
        return facts
    }

    @Test("the first denial of an explanation is the decision, for any facts", arguments: 1...8)
    func firstIsVerdict(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var seen: Set<Denial?> = []
        for _ in 0..<2500 {
            let facts = Self.random(&generator)
            let steps = Policy.explain(facts.call, key: facts.key, account: facts.account, app: facts.app)
            #expect(steps.map(\.step) == Policy.Step.allCases)
            let first = steps.lazy.compactMap(\.denial).first
            #expect(first == facts.denial, "\(facts)")
            #expect(
                steps.dropLast().lazy.compactMap(\.denial).first
                    == Policy.admit(facts.call, key: facts.key, account: facts.account))
            seen.insert(first)
        }
        // None of the outcomes was left out by the choice of facts.
        #expect(
            seen == [
                nil, .wrongApp, .keyExpired, .keyDisabled, .accountSuspended, .ipNotAllowed, .hostNotAllowed,
                .browserNotAllowed, .modelNotAllowed, .modelNotFound,
            ])
    }

    @Test("what is allowed goes to the model that was asked for, or to the app's own, and the key may use it")
    func allowedModel() {
        var generator = SplitMix64(seed: 99)
        var allowed = 0
        for _ in 0..<4000 {
            let facts = Self.random(&generator)
            guard case .success(let model) = facts.verdict else { continue }
            allowed += 1
            #expect(facts.model == .none ? model == "small" : facts.model == .known(model))
            #expect(facts.allowedModels.contains(model))
            #expect(facts.terms.models.map { $0.contains(model) } ?? true)
            #expect(Policy.model(of: facts.call, app: facts.app) == model)
            #expect(Policy.allows(model, key: facts.key, app: facts.app))
        }
        #expect(allowed > 50)
    }
}
