import Accounts
import Applications
import Calls
import Credentials
import Database
import Metering
import Policy
import TestSupport
import Testing
import Values

/// A verification that charges, charges once, however often and from wherever it is asked (ASVS 2.3.4, 15.4.2).
@Suite("Charging by verification")
struct ChargingTests {
    private let house: CallsHouse
    private let made: CallsHouse.Key

    init() async throws {
        house = try await CallsHouse()
        try await house.grant(100)
        made = try await house.issue()
    }

    private func charges() async throws -> Int64 { try await house.count("charges") }

    private func held() async throws -> Credits {
        try await house.metering.balance(of: house.ada.account).usage.held
    }

    private func left() async throws -> Credits {
        let balance = try await house.metering.balance(of: house.ada.account)
        return balance.amount
    }

    @Test("the same request is charged once and answered alike, later too") func repeated() async throws {
        let first = try await house.ask(made.key, model: "large", charging: "r1")
        #expect(first.charge != nil)
        #expect(first.cost == Credits(micro: 7_000_000))
        #expect(first.remaining == Credits(micro: 93_000_000))
        house.hand.advance(.seconds(3600))
        _ = try await house.ask(made.key, charging: "r2")
        let again = try await house.ask(made.key, model: "large", charging: "r1")
        #expect(again.charge == first.charge)
        #expect(again.cost == first.cost)
        #expect(again.remaining == first.remaining)
        #expect(again.model == "large")
        #expect(again.denial == nil)
        #expect(again.credential == made.credential.id)
        #expect(try await charges() == 2)
        #expect(try await left() == Credits(micro: 92_000_000))
    }

    @Test("the same request from many at once is charged once; whoever is not answered is told to wait") func atOnce()
        async throws
    {
        let (house, key) = (house, made.key)
        for round in 0..<8 {
            let answers = try await withThrowingTaskGroup(of: Verification?.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        do {
                            return try await house.ask(key, charging: "round \(round)")
                        } catch IdempotencyRefusal.inFlight {
                            return nil
                        }
                    }
                }
                return try await group.reduce(into: [Verification]()) { if let answer = $1 { $0.append(answer) } }
            }
            #expect(!answers.isEmpty)
            #expect(Set(answers.map(\.charge)).count == 1)
            #expect(answers.allSatisfy { $0.denial == nil && $0.charge != nil })
            #expect(try await charges() == Int64(round + 1))
        }
        #expect(try await held() == .zero)
        #expect(try await left() == Credits(micro: 92_000_000))
    }

    @Test("different requests at once are charged each, and never more than there is") func different() async throws {
        let (house, key) = (house, made.key)
        let answers = try await withThrowingTaskGroup(of: Verification.self) { group in
            for number in 0..<20 {
                group.addTask { try await house.ask(key, model: "large", charging: "r\(number)") }
            }
            return try await group.reduce(into: [Verification]()) { $0.append($1) }
        }
        // 14 times 7 of 100.
        #expect(answers.filter { $0.denial == nil }.count == 14)
        #expect(answers.filter { $0.denial == .insufficientCredits && $0.charge == nil }.count == 6)
        #expect(Set(answers.compactMap(\.charge)).count == 14)
        #expect(try await left() == Credits(micro: 2_000_000))
    }

    @Test("another question under the same name is refused, whatever differs") func otherQuestion() async throws {
        let address = IPAddress("192.0.2.1")
        _ = try await house.ask(made.key, model: "small", from: address, charging: "r1")
        await #expect(throws: IdempotencyRefusal.otherBody) {
            try await house.ask(made.key, model: "large", from: address, charging: "r1")
        }
        await #expect(throws: IdempotencyRefusal.otherBody) {
            try await house.ask(made.key, from: address, charging: "r1")
        }
        await #expect(throws: IdempotencyRefusal.otherBody) {
            try await house.ask(made.key, model: "small", charging: "r1")
        }
        #expect(try await charges() == 1)
    }

    @Test("the name is the key's: under another key it is another call") func perKey() async throws {
        let other = try await house.issue()
        let first = try await house.ask(made.key, charging: "r1")
        let second = try await house.ask(other.key, charging: "r1")
        #expect(first.charge != second.charge)
        #expect(try await charges() == 2)
    }

    @Test("a denial is not kept: once the reason is gone the same request is charged") func denied() async throws {
        try await house.edit(made.credential) { $0.isEnabled = false }
        #expect(try await house.ask(made.key, charging: "r1").denial == .keyDisabled)
        try await house.edit(made.credential) {
            $0.isEnabled = true
            $0.creditLimit = .some(.zero)
        }
        #expect(try await house.ask(made.key, charging: "r1").denial == .creditLimitReached)
        #expect(try await charges() == 0)
        try await house.edit(made.credential) { $0.creditLimit = .some(nil) }
        #expect(try await house.ask(made.key, charging: "r1").charge != nil)
    }

    @Test("what was paid for is answered again, whatever has changed since; a key that is gone opens nothing")
    func paidFor() async throws {
        let first = try await house.ask(made.key, charging: "r1")
        try await house.edit(made.credential) { $0.creditLimit = .some(.zero) }
        #expect(try await house.ask(made.key, charging: "r1").charge == first.charge)
        #expect(try await house.ask(made.key, charging: "r2").denial == .creditLimitReached)
        try await house.credentials.delete(made.credential.id, of: house.ada.account, by: .test)
        #expect(try await house.ask(made.key, charging: "r1").denial == .invalidKey)
        #expect(try await charges() == 1)
    }

    @Test("when the charge can't be recorded nothing is, and the same request can be charged later") func failed()
        async throws
    {
        try await house.database.write {
            _ = try $0.run(
                """
                CREATE TRIGGER fault BEFORE INSERT ON charges
                BEGIN SELECT RAISE(ABORT, 'refused'); END
                """)
        }
        await #expect(throws: (any Error).self) { try await house.ask(made.key, charging: "r1") }
        #expect(try await held() == .zero)
        try await house.database.write { _ = try $0.run("DROP TRIGGER fault") }
        #expect(try await left() == Credits(micro: 100_000_000))
        let answer = try await house.ask(made.key, charging: "r1")
        #expect(answer.charge != nil)
        #expect(try await charges() == 1)
    }

    @Test("after a day the name is free, and stands for another call") func forgotten() async throws {
        let first = try await house.ask(made.key, charging: "r1")
        house.hand.advance(.seconds(86_400 + 1))
        let second = try await house.ask(made.key, charging: "r1")
        #expect(second.charge != nil)
        #expect(second.charge != first.charge)
    }
}
