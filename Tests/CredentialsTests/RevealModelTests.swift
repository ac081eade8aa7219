import Accounts
import Credentials
import Database
import Secrets
import TestSupport
import Testing
import Values

/// Whether a secret can be shown again, to whom, and which one, after any sequence of what may happen to keys and people:
/// held against a small model of copies and pairs of keys.
@Suite("Copies of secrets")
struct RevealModelTests {
    /// What is known of a person beside the real thing.
    private struct Person {
        let user: User
        var isRoot: Bool
        var password = goodPassword
        /// Which pair of keys they have, of all that were ever made; `nil` for none.
        var pair: Int?
    }

    private struct Key {
        let credential: Credential
        var secret: String
        let isRevealable: Bool
        var isForbidden = false
        /// The pairs that the current secret was sealed to.
        var copies: Set<Int> = []
    }

    private struct Model {
        var people: [Person]
        var keys: [Key] = []
        var pairs: Int
        var isAllowed = true

        var rootPairs: Set<Int> { Set(people.filter(\.isRoot).compactMap(\.pair)) }

        /// Pairs that there still are; what was sealed to another is gone.
        func live(_ key: Key) -> Set<Int> { key.copies.intersection(people.compactMap(\.pair)) }

        func reveal(_ key: Key) -> Credential.Reveal {
            if !key.isRevealable || key.isForbidden { return .showOnce }
            return live(key).isEmpty ? .lost : .available
        }

        mutating func newPair() -> Int {
            pairs += 1
            return pairs
        }
    }

    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    @Test("are those that the model has, after every step", arguments: 1...3)
    func anySequence(seed: UInt64) async throws {
        var choices = Choices(seed: seed)
        var model = Model(
            people: [
                Person(user: house.ada, isRoot: true, pair: 1),
                Person(user: try await house.join("kim@example.com", as: .root), isRoot: true, pair: 2),
                Person(user: try await house.join("mia@example.com", as: .member), isRoot: false, pair: 3),
            ], pairs: 3)
        var outcomes: Set<String> = []
        for step in 0..<60 {
            // Days apart: neither the limits of a day nor the throttle are at stake.
            house.hand.advance(.seconds(86_400))
            try await act(&model, &choices)
            try await check(model, &choices, &outcomes, step)
        }
        #expect(outcomes.count >= 3, "\(outcomes)")
    }

    private func act(_ model: inout Model, _ choices: inout Choices) async throws {
        let person = choices.below(model.people.count)
        if !model.isAllowed, choices.isTrue() {
            model.isAllowed = true
            _ = try await house.credentials.editKeyPolicy(
                KeyPolicyEdit(allowsRevealableKeys: true), in: house.ada.account, by: .test)
        }
        let choice = choices.below(14)
        // There is something to rotate or delete before the first step of that kind.
        if model.keys.isEmpty, [3, 4, 5, 12].contains(choice) { return try await issue(&model, isRevealable: true) }
        switch choice {
        case 0...2 where model.keys.count < 6: try await issue(&model, isRevealable: choices.below(4) > 0)
        case 3...5: try await rotate(&model, choices.below(model.keys.count), &choices)
        case 6: try await changePassword(&model, person)
        case 7, 8: try await resetPassword(&model, person)
        case 9, 10: try await turnRole(&model, person)
        case 11 where choices.below(4) == 0:
            model.isAllowed = false
            _ = try await house.credentials.editKeyPolicy(
                KeyPolicyEdit(allowsRevealableKeys: false), in: house.ada.account, by: .test)
            for index in model.keys.indices { model.keys[index].isForbidden = true }
        case 12:
            try await house.delete(model.keys.remove(at: choices.below(model.keys.count)).credential)
        default: _ = try await enter(&model, person)
        }
    }

    private func refusal(_ model: Model) -> CredentialsError? {
        model.isAllowed ? model.rootPairs.isEmpty ? .revealKeyMissing : nil : .revealableForbidden
    }

    private func issue(_ model: inout Model, isRevealable: Bool) async throws {
        if isRevealable, let refusal = refusal(model) {
            await #expect(throws: refusal) { try await house.issueRevealable() }
            return
        }
        let made = isRevealable ? try await house.issueRevealable() : try await house.issue()
        model.keys.append(
            Key(
                credential: made.credential, secret: made.key, isRevealable: isRevealable,
                copies: isRevealable ? model.rootPairs : []))
    }

    private func rotate(_ model: inout Model, _ index: Int, _ choices: inout Choices) async throws {
        let credential = model.keys[index].credential
        let isKept = model.reveal(model.keys[index]) != .showOnce
        if isKept, let refusal = refusal(model) {
            await #expect(throws: refusal) { try await house.rotate(credential) }
            return
        }
        // Each step is a day: this overlap has ended with the next.
        let rotated = try await house.rotate(credential, overlap: choices.isTrue() ? 0 : 3600)
        model.keys[index].secret = rotated.key
        model.keys[index].copies = isKept ? model.rootPairs : []
        #expect(rotated.credential.reveal == (isKept ? .available : .showOnce))
    }

    @discardableResult
    private func enter(_ model: inout Model, _ index: Int) async throws -> (actor: Actor, session: Session) {
        let entered = try await house.enter(model.people[index].user, model.people[index].password)
        if model.people[index].pair == nil { model.people[index].pair = model.newPair() }
        return entered
    }

    private func changePassword(_ model: inout Model, _ index: Int) async throws {
        let (actor, session) = try await enter(&model, index)
        let new = "grey owl number \(house.hand.now.microseconds) at dusk"
        _ = try await house.accounts.changePassword(
            of: actor, session, Proof(password: good(model.people[index].password), code: nil), to: good(new),
            from: nil,
            by: .test)
        model.people[index].password = new
    }

    private func resetPassword(_ model: inout Model, _ index: Int) async throws {
        let user = model.people[index].user
        let new = "red heron number \(house.hand.now.microseconds) in rain"
        let token = try await house.accounts.createPasswordReset(of: user.id, in: user.account, by: .test).1
        try await house.accounts.resetPassword(token: token.exposed(), to: good(new), by: .test)
        model.people[index].password = new
        model.people[index].pair = model.newPair()
    }

    private func turnRole(_ model: inout Model, _ index: Int) async throws {
        let person = model.people[index]
        let roots = model.people.filter(\.isRoot)
        // By somebody else, who has a say over operators too; the last root user stays.
        guard person.user.id != house.ada.id, !person.isRoot || roots.count > 1 else { return }
        _ = try await house.accounts.setRole(
            person.isRoot ? .member : .root, of: person.user.id, in: person.user.account, for: house.ada, by: .test)
        model.people[index].isRoot.toggle()
        if person.isRoot { model.people[index].pair = nil }
    }

    /// Holds everything that can be seen against the model; tries one reveal, by whoever it may be.
    private func check(
        _ model: Model, _ choices: inout Choices, _ outcomes: inout Set<String>, _ step: Int
    ) async throws {
        let listed = try await house.credentials.list(of: house.ada.account, atMost: 100).items
        #expect(Set(listed.map(\.id)) == Set(model.keys.map(\.credential.id)), "step \(step)")
        for key in model.keys {
            #expect(listed.first { $0.id == key.credential.id }?.reveal == model.reveal(key), "step \(step)")
        }
        guard !model.keys.isEmpty else { return }
        // A reading of the state: a sign-in would give a pair to whom has none.
        let key = choices.pick(model.keys)
        let person = choices.pick(model.people.filter { $0.pair != nil })
        let expected: CredentialsError? =
            switch model.reveal(key) {
            case .showOnce: .shownOnce
            case .lost: .copyLost
            case .available: person.isRoot && model.live(key).contains(person.pair ?? 0) ? nil : .noCopyForUser
            }
        let entered = try await house.enter(person.user, person.password)
        if let expected {
            await #expect(throws: expected, "step \(step)") {
                try await house.reveal(key.credential, by: entered, person.password)
            }
        } else {
            let shown = try await house.reveal(key.credential, by: entered, person.password)
            #expect(shown == key.secret, "step \(step)")
            #expect(try await house.opens(shown), "step \(step)")
        }
        outcomes.insert(expected.map { "\($0)" } ?? "shown")
    }
}
