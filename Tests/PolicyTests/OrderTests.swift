import Policy
import Testing
import Values

/// Design §6: right app, not expired, enabled, account in good standing, address, host or browser, model. The first that
/// fails is the verdict (ASVS 8.2.2).
@Suite("The order of checks")
struct OrderTests {
    /// One way to break one rule, in a call that is allowed otherwise.
    struct Violation: Sendable, CustomTestStringConvertible {
        let name: String
        let step: Policy.Step
        let denial: Denial
        let commit: @Sendable (inout Facts) -> Void

        init(_ name: String, _ step: Policy.Step, _ denial: Denial, _ commit: @escaping @Sendable (inout Facts) -> Void)
        {
            self.name = name
            self.step = step
            self.denial = denial
            self.commit = commit
        }

        var testDescription: String { name }
    }

    static let order: [Policy.Step] = [.application, .expiry, .status, .account, .address, .origin, .model]

    static let table = [
        Violation("another app's address", .application, .wrongApp) { $0.addressed = Facts.dog },
        Violation("expired", .expiry, .keyExpired) { $0.terms.expiresAt = Facts.now },
        Violation("switched off", .status, .keyDisabled) { $0.isDisabled = true },
        Violation("suspended", .account, .accountSuspended) { $0.isSuspended = true },
        Violation("another address", .address, .ipNotAllowed) {
            $0.terms.addresses = ["198.51.100.7"].compactMap(AddressBlock.init)
        },
        Violation("an unknown address", .address, .ipNotAllowed) {
            $0.terms.addresses = ["0.0.0.0/0", "::/0"].compactMap(AddressBlock.init)
            $0.address = nil
        },
        Violation("a page, and a key for servers", .origin, .browserNotAllowed) {
            $0.origin = WebOrigin(header: "https://app.example")
        },
        Violation("a page without a name, and a key for servers", .origin, .browserNotAllowed) { $0.origin = .unknown },
        Violation("no page, and a bound key", .origin, .hostNotAllowed) {
            $0.terms.host = HostName("app.example")
        },
        Violation("another page, and a bound key", .origin, .hostNotAllowed) {
            $0.terms.host = HostName("app.example")
            $0.origin = WebOrigin(header: "https://evil.example")
        },
        Violation("a page without a name, and a bound key", .origin, .hostNotAllowed) {
            $0.terms.host = HostName("app.example")
            $0.origin = .unknown
        },
        Violation("a model that nobody offers", .model, .modelNotFound) { $0.model = .unknown },
        Violation("a model that the app may not use", .model, .modelNotAllowed) { $0.model = .known("other") },
        Violation("a model that the key may not use", .model, .modelNotAllowed) {
            $0.terms.models = ["large"]
            $0.model = .known("small")
        },
    ]

    static let pairs: [(Violation, Violation)] = table.flatMap { first in
        table.filter { second in order.firstIndex(of: first.step)! < order.firstIndex(of: second.step)! }
            .map { (first, $0) }
    }

    @Test("each of the rules is in the table, in the order of the design") func complete() {
        #expect(Policy.Step.allCases == Self.order)
        #expect(Set(Self.table.map(\.step)) == Set(Self.order))
        #expect(Facts().verdict == .success("small"))
    }

    @Test("each violation alone is the verdict", arguments: table)
    func alone(violation: Violation) { #expect(Facts().with(violation.commit).denial == violation.denial) }

    @Test("of two violations the earlier is the verdict", arguments: pairs)
    func two(first: Violation, second: Violation) {
        for both in [Facts().with(first.commit).with(second.commit), Facts().with(second.commit).with(first.commit)] {
            #expect(both.denial == first.denial)
        }
    }

    @Test("what can be decided without a body is decided alike without it", arguments: table)
    func admit(violation: Violation) {
        let facts = Facts().with(violation.commit)
        #expect(
            Policy.admit(facts.call, key: facts.key, account: facts.account)
                == (violation.step == .model ? nil : violation.denial))
    }

    @Test("of two violations the explanation shows both, each at its own step", arguments: pairs)
    func explained(first: Violation, second: Violation) {
        let facts = Facts().with(first.commit).with(second.commit)
        let steps = Policy.explain(facts.call, key: facts.key, account: facts.account, app: facts.app)
        #expect(steps.map(\.step) == Self.order)
        for (step, denial) in steps {
            switch step {
            case first.step: #expect(denial == first.denial)
            case second.step: #expect(denial == second.denial)
            default: #expect(denial == nil)
            }
        }
    }
}
