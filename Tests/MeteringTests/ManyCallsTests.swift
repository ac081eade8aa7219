import Accounts
import Credentials
import Database
import Policy
import Synchronization
import TestSupport
import Testing
import Values

@testable import Metering

/// How many callers have gone.
private final class Gone: Sendable {
    let count = Mutex(0)
}

@Suite("Many calls at once")
struct ManyCallsTests {
    /// What became of one call.
    private struct Made: Sendable {
        let hold: Hold
        let end: Model.End?
        var amount = Credits.zero
    }

    private static let callers = 8
    private static let turns = 30

    @Test(
        "calls, grants, edits and a month's turn at once: sums are as answered, and stand under their bounds",
        arguments: Seeds.list(1...4))
    func everything(seed: UInt64) async throws {
        let house = try await MeteringHouse()
        try await house.guardLedger()
        house.hand.set(try moment("2026-06-30T23:59:59.9Z"))
        try await house.grant(1200)
        let fixed = try await house.key(limit: Credits(900), monthly: Credits(700))
        let edited = try await house.key(limit: Credits(500))
        let free = try await house.key()
        let keys = [fixed, edited, free]
        let gone = Gone()
        let made = try await withThrowingTaskGroup(of: [Made].self) { group in
            for number in 0..<Self.callers {
                group.addTask {
                    var dice = SplitMix64(seed: seed << 8 + UInt64(number))
                    defer { gone.count.withLock { $0 += 1 } }
                    return try await Self.call(house, keys, &dice)
                }
            }
            group.addTask {
                while gone.count.withLock({ $0 }) < Self.callers {
                    try await house.metering.fold()
                    try await Task.sleep(for: .milliseconds(3))
                }
                return []
            }
            group.addTask {
                var dice = SplitMix64(seed: seed << 8 + 0xFF)
                while gone.count.withLock({ $0 }) < Self.callers { try await Self.disturb(house, edited, &dice) }
                return []
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(made.count > Self.callers)
        try await Self.compare(house, made, keys)
        #expect(try await house.difference() == nil, "seed \(seed)")
        try await house.metering.fold()
        try await Self.compare(house, made, keys)
        #expect(try await house.difference() == nil, "seed \(seed)")
        // What was left open is what a crash forgets.
        let restarted = house.restarted()
        #expect(try await restarted.balance(of: fixed.account).usage.held == .zero)
        let posted = try await house.balance().usage.posted
        #expect(try await restarted.balance(of: fixed.account).usage.posted == posted)
    }

    /// One caller after another on one task.
    private static func call(
        _ house: MeteringHouse, _ keys: [Credential], _ dice: inout SplitMix64
    ) async throws -> [Made] {
        var made: [Made] = []
        for turn in 0..<turns {
            if turn == turns / 2 { house.hand.reach(try moment("2026-07-01T00:00:00Z")) }
            let key = dice.pick(keys)
            let cost = Credits(micro: dice.pick([20_000_000, 7_000_001, 1, 0]))
            do {
                let hold = try await house.hold(key, cost: cost)
                switch dice.below(10) {
                case ..<6:
                    let amount = dice.chance(80) ? cost : Credits(micro: dice.amount(0...cost.micro))
                    try await house.metering.charge(hold, amount)
                    made.append(Made(hold: hold, end: .charge, amount: amount))
                case ..<9:
                    house.release(hold)
                    made.append(Made(hold: hold, end: .release))
                default: made.append(Made(hold: hold, end: nil))
                }
            } catch is Denial {}
        }
        return made
    }

    /// What goes on beside the calls.
    private static func disturb(_ house: MeteringHouse, _ edited: Credential, _ dice: inout SplitMix64) async throws {
        switch dice.below(8) {
        case 0, 1: try await house.grant(Int64(dice.below(60) + 1))
        case 2:
            do {
                _ = try await house.metering.adjust(
                    house.ada.account, by: Credits(-Int64(dice.below(80) + 1)), reason: good("a test"), by: .test)
            } catch MeteringError.balanceTooSmall {}
        case 3, 4: try await house.limit(edited, to: .some(Credits(Int64(dice.below(900)))))
        case 5:
            try await house.suspend(house.ada.account)
            try await house.suspend(house.ada.account, false)
        case 6: house.hand.advance(.milliseconds(dice.below(60)))
        default: house.hand.advance(.milliseconds(-dice.below(20)))
        }
    }

    /// What was answered, added up, is what is stored.
    private static func compare(_ house: MeteringHouse, _ made: [Made], _ keys: [Credential]) async throws {
        func sum(_ calls: [Made]) -> Usage {
            Usage(
                posted: Credits(micro: calls.reduce(0) { $0 + $1.amount.micro }),
                held: Credits(micro: calls.filter { $0.end == nil }.reduce(0) { $0 + $1.hold.cost.micro }))
        }
        #expect(Set(made.map(\.hold.id)).count == made.count)
        #expect(try await house.balance().usage == sum(made))
        let months = Set(made.map(\.hold.call.month))
        #expect(months == [Month(number: 677), Month(number: 678)])
        for key in keys {
            let own = made.filter { $0.hold.call.credential == key.id }
            #expect(try await house.meter(key).usage == sum(own))
            for month in months {
                let meter = try await house.metering.meters(of: [key.id], in: key.account, month)[key.id]
                #expect(meter?.month == sum(own.filter { $0.hold.call.month == month }))
            }
        }
        let days = Day("2026-06-30")!...Day("2026-07-01")!
        let report = try await house.metering.report(
            UsageRequest(account: house.ada.account, days: days, by: [.credential, .day]))
        for line in report {
            let charged = made.filter {
                $0.end == .charge && $0.hold.call.credential == line.credential && $0.hold.call.day == line.day
            }
            #expect(line.calls == Int64(charged.count))
            #expect(line.amount == sum(charged).posted)
        }
        #expect(report.reduce(0) { $0 + $1.calls } == Int64(made.filter { $0.end == .charge }.count))
    }

    @Test("of many who repeat one call at once, one is held; when it is answered, the rest get its answer")
    func repeated() async throws {
        let house = try await MeteringHouse()
        try await house.grant(1000)
        let key = try await house.key()
        let mark = IdempotencyKey("order-1", body: [1])
        let first = try await Self.ask(house, key, mark, times: 60)
        #expect(first.holds.count == 1)
        #expect(first.inFlight == 59)
        try await house.metering.charge(first.holds[0], answer: StoredAnswer(bytes: [7]))
        let second = try await Self.ask(house, key, mark, times: 60)
        #expect(second.holds.isEmpty)
        #expect(second.answers == Array(repeating: [7], count: 60))
        #expect(try await house.balance().usage == Usage(posted: Credits(20)))
    }

    private struct Asked: Sendable {
        var holds: [Hold] = []
        var answers: [[UInt8]] = []
        var inFlight = 0
    }

    private static func ask(
        _ house: MeteringHouse, _ key: Credential, _ mark: IdempotencyKey, times: Int
    ) async throws -> Asked {
        try await withThrowingTaskGroup(of: MeteringHouse.Outcome?.self) { group in
            for _ in 0..<times {
                group.addTask {
                    do {
                        return try await house.outcome(of: house.ask(key, idempotency: mark))
                    } catch IdempotencyRefusal.inFlight {
                        return nil
                    }
                }
            }
            return try await group.reduce(into: Asked()) { asked, outcome in
                switch outcome {
                case .held(let hold)?: asked.holds.append(hold)
                case .answered(let answer)?: asked.answers.append(answer.bytes)
                case nil: asked.inFlight += 1
                }
            }
        }
    }

    @Test("two keys of one account share its balance to the micro-credit, whoever is first") func shared() async throws
    {
        let house = try await MeteringHouse()
        try await house.grant(1)
        let keys = [try await house.key(), try await house.key()]
        let held = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<100 {
                group.addTask {
                    do {
                        _ = try await house.hold(keys[number % 2], cost: Credits(micro: 30_000))
                        return 1
                    } catch Denial.insufficientCredits {
                        return 0
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(held == 33)
        #expect(try await house.balance().available == Credits(micro: 10_000))
        _ = try await house.hold(keys[0], cost: Credits(micro: 10_000))
        await #expect(throws: Denial.insufficientCredits) {
            try await house.hold(keys[1], cost: Credits(micro: 1))
        }
    }
}
