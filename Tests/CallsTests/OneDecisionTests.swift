import Accounts
import Applications
import Calls
import Catalog
import Credentials
import Metering
import Policy
import TestSupport
import Testing
import Values

import struct Applications.Application

/// The gateway, `verify` and `explain` ask one and the same question: whatever the facts, they agree (ASVS 8.1.1, 8.3.1).
@Suite("One decision, asked three ways")
struct OneDecisionTests {
    private let house: CallsHouse

    init() async throws { house = try await CallsHouse() }

    /// What came of a call.
    private struct Outcome: Equatable {
        var denial: Denial?
        var model: String?
        var cost: Credits?
        var remaining: Credits?
    }

    private struct Call {
        let key: CallsHouse.Key
        let app: Application
        let model: String?
        let address: IPAddress?
        let origin: WebOrigin
    }

    /// As the gateway does it; what it holds is given back.
    private func gateway(_ call: Call) async throws -> Outcome {
        do {
            let opened = try await house.calls.open(call.key.key, at: house.hand.now)
            let admitted = try opened.admit(to: call.app.id, from: call.address, on: call.origin)
            let decided = try await house.calls.decide(admitted, model: call.model.map { Text($0) })
            let outcome = try await house.calls.hold(decided, idempotency: nil)
            guard case .held(let hold) = outcome else { throw BadText(text: "\(outcome)") }
            house.metering.release(hold, as: "upstream_failed")
            return Outcome(model: decided.route.name, cost: hold.cost, remaining: hold.remaining)
        } catch let denial as Denial {
            return Outcome(denial: denial)
        }
    }

    private func verify(_ call: Call) async throws -> Outcome {
        let answer = try await house.ask(
            call.key.key, call.app, model: call.model, from: call.address, on: call.origin)
        #expect(answer.charge == nil)
        #expect(answer.credential == call.key.credential.id)
        return Outcome(denial: answer.denial, model: answer.model, cost: answer.cost, remaining: answer.remaining)
    }

    private func explain(_ call: Call) async throws -> Outcome {
        let facts = CallFacts(
            addressedApplication: call.app.id, address: call.address, origin: call.origin, time: house.hand.now)
        let explanation = try await house.calls.explain(
            call.key.credential.id, of: house.ada.account, facts, model: call.model.map { Text($0) })
        #expect(
            explanation.steps.map(\.name) == [
                "application", "expiry", "status", "account", "address", "origin", "model", "key_limit",
                "monthly_limit", "balance",
            ])
        guard let verdict = explanation.verdict else {
            return Outcome(model: explanation.model, cost: explanation.cost, remaining: explanation.remaining)
        }
        return Outcome(denial: verdict)
    }

    private func keys() async throws -> [CallsHouse.Key] {
        let credits = { (micro: Int64) in Credits(micro: micro) }
        let terms = [
            KeyTerms(), KeyTerms(expiresAt: house.hand.now.adding(.seconds(300))),
            KeyTerms(creditLimit: credits(9_000_000), models: ["small", "large"]),
            KeyTerms(monthlyLimit: credits(1_500_000)), KeyTerms(creditLimit: .zero, monthlyLimit: .zero),
            KeyTerms(addresses: try ["192.0.2.0/24", "2001:db8::/32"].map { try good($0) }),
            KeyTerms(host: try good("app.example")), KeyTerms(models: ["echo"], host: try good("app.example")),
        ]
        var keys: [CallsHouse.Key] = []
        for terms in terms { keys.append(try await house.issue(terms)) }
        keys.append(try await house.issue(for: house.dog))
        return keys
    }

    @Test("the three agree on any facts, while keys, account and credits change", arguments: 1...3)
    func agree(seed: UInt64) async throws {
        var choices = Choices(seed: seed)
        let keys = try await keys()
        try await house.grant(20)
        var seen: Set<Denial?> = []
        for step in 0..<130 {
            if step.isMultiple(of: 5) { try await change(keys, &choices) }
            let call = Call(
                key: choices.pick(keys), app: choices.pick([house.cat, house.cat, house.dog]),
                model: choices.pick([nil, nil, "small", "large", "echo", "absent"]),
                address: choices.pick([nil, "192.0.2.1", "198.51.100.1", "2001:db8::1"]).flatMap { IPAddress($0) },
                origin: choices.pick([
                    .none, .none, .unknown, WebOrigin(header: "https://app.example"),
                    WebOrigin(header: "http://evil.example"),
                ]))
            let asked = try await verify(call)
            let explained = try await explain(call)
            let served = try await gateway(call)
            #expect(asked == served, "step \(step): \(call)")
            #expect(explained == served, "step \(step): \(call)")
            // What was held is given back: to ask again is to be told the same.
            #expect(try await verify(call) == asked)
            seen.insert(served.denial)
            // Now and then one is served for good.
            if served.denial == nil, choices.below(3) == 0 {
                _ = try await house.ask(
                    call.key.key, call.app, model: call.model, from: call.address, on: call.origin,
                    charging: "step \(step)")
            }
        }
        #expect(seen.count >= 9, "\(seen)")
    }

    private func change(_ keys: [CallsHouse.Key], _ choices: inout Choices) async throws {
        switch choices.below(6) {
        case 0:
            let isEnabled = choices.isTrue()
            try await house.edit(choices.pick(keys).credential) { $0.isEnabled = isEnabled }
        case 1: try await house.suspend(choices.below(4) == 0)
        case 2: try await house.grant(Int64(1 + choices.below(9)))
        case 3: house.hand.advance(.seconds(100))
        case 4: house.hand.advance(.seconds(86_400 * 20))
        default: for key in keys { try await house.edit(key.credential) { $0.isEnabled = true } }
        }
    }
}

/// Random choices that are the same for the same seed.
struct Choices {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((word ^ word >> 31) % UInt64(bound))
    }

    mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }
    mutating func isTrue() -> Bool { below(2) == 0 }
}
