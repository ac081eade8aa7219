import Credentials
import Policy
import Testing
import Values

@testable import Metering

@Suite("Holds, charges and releases")
struct HoldTests {
    private let house: MeteringHouse

    init() async throws { house = try await MeteringHouse() }

    @Test("a hold becomes a charge") func charge() async throws {
        try await house.grant(100)
        let key = try await house.key()
        let hold = try await house.hold(key)
        #expect(hold.remaining == Credits(80))
        #expect(try await house.balance() == Balance(granted: Credits(100), usage: Usage(held: Credits(20))))
        try await house.metering.charge(hold)
        #expect(try await house.balance() == Balance(granted: Credits(100), usage: Usage(posted: Credits(20))))
        #expect(try await house.meter(key).usage == Usage(posted: Credits(20)))
        #expect(try await house.meter(key).month == Usage(posted: Credits(20)))
        #expect(try await house.difference() == nil)
    }

    @Test("a release gives everything back, and writes nothing") func release() async throws {
        try await house.grant(100)
        let key = try await house.key()
        house.release(try await house.hold(key))
        #expect(try await house.balance() == Balance(granted: Credits(100)))
        #expect(try await house.meter(key).usage == Usage())
        #expect(try await house.count("charges") == 0)
        #expect(try await house.difference() == nil)
    }

    @Test("a charge may be less than its hold: the rest is given back") func less() async throws {
        try await house.grant(100)
        let key = try await house.key(limit: Credits(30), monthly: Credits(30))
        let hold = try await house.hold(key)
        await #expect(throws: Denial.creditLimitReached) { try await house.hold(key) }
        try await house.metering.charge(hold, Credits(micro: 1))
        #expect(try await house.balance().usage == Usage(posted: Credits(micro: 1)))
        #expect(try await house.meter(key).month == Usage(posted: Credits(micro: 1)))
        #expect(try await house.hold(key).remaining == Credits(micro: 9_999_999))
        try await house.metering.charge(try await house.hold(key, cost: Credits(9)), .zero)
        try await house.metering.fold()
        #expect(try await house.balance().usage.posted == Credits(micro: 1))
        #expect(try await house.difference() == nil)
    }

    @Test("a charge is never more than its hold, nor below nothing", arguments: [20_000_001, -1, .max] as [Int64])
    func more(micro: Int64) async throws {
        try await house.grant(100)
        let hold = try await house.hold(try await house.key())
        await #expect(throws: MeteringError.chargeAboveHold) {
            try await house.metering.charge(hold, Credits(micro: micro))
        }
        #expect(try await house.balance().usage == Usage(held: Credits(20)))
        #expect(try await house.count("charges") == 0)
        try await house.metering.charge(hold)
    }

    @Test("a hold ends once") func once() async throws {
        try await house.grant(100)
        let hold = try await house.hold(try await house.key())
        try await house.metering.charge(hold)
        await #expect(throws: MeteringError.holdNotOpen) { try await house.metering.charge(hold) }
        house.release(hold)
        let other = try await house.hold(try await house.key())
        house.release(other)
        house.release(other)
        await #expect(throws: MeteringError.holdNotOpen) { try await house.metering.charge(other) }
        #expect(try await house.balance() == Balance(granted: Credits(100), usage: Usage(posted: Credits(20))))
        #expect(try await house.count("charges") == 1)
        #expect(try await house.difference() == nil)
    }

    @Test("a hold that nobody has any more is given back, and frees its idempotency key") func dropped() async throws {
        try await house.grant(20)
        let key = try await house.key()
        let mark = IdempotencyKey("order-1", body: [])
        for _ in 0..<2 {
            let (call, stamp) = try await house.decide(house.ask(key, idempotency: mark))
            guard case .ready(let prepared) = try await house.metering.prepare(call),
                case .held(let hold) = house.metering.hold(prepared, under: stamp)
            else { throw NotHeld() }
            #expect(try await house.balance().available == .zero)
            withExtendedLifetime(hold) {}
        }
        #expect(try await house.balance().available == Credits(20))
    }

    @Test("a crash forgets holds, and keeps every charge") func crash() async throws {
        try await house.grant(100)
        let key = try await house.key()
        _ = try await house.hold(key)
        try await house.metering.charge(try await house.hold(key))
        _ = try await house.hold(key)
        let restarted = house.restarted()
        #expect(
            try await restarted.balance(of: key.account)
                == Balance(granted: Credits(100), usage: Usage(posted: Credits(20))))
        #expect(try await house.difference() == nil)
    }

    @Test("of a thousand calls at once, only what the bound covers is held", arguments: Bound.allCases)
    func race(bound: Bound) async throws {
        try await house.grant(bound == .account ? 20 : 1_000_000)
        let key = try await house.key(
            limit: bound == .key ? Credits(20) : nil, monthly: bound == .month ? Credits(20) : nil)
        let held = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<1000 {
                group.addTask { [house] in
                    do {
                        try await house.metering.charge(try await house.hold(key))
                        return true
                    } catch let denial as Denial {
                        #expect(denial == bound.denial)
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(held == 1)
        #expect(try await house.difference() == nil)
    }

    enum Bound: CaseIterable, Sendable {
        case key, month, account

        var denial: Denial {
            switch self {
            case .key: .creditLimitReached
            case .month: .monthlyLimitReached
            case .account: .insufficientCredits
            }
        }
    }
}
