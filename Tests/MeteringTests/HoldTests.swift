import Credentials
import Policy
import Testing
import Values

@testable import Metering

@Suite("Holds, charges and voids")
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

    @Test("a void gives everything back") func void() async throws {
        try await house.grant(100)
        let key = try await house.key()
        await house.metering.void(try await house.hold(key))
        #expect(try await house.balance() == Balance(granted: Credits(100)))
        #expect(try await house.meter(key).usage == Usage())
        #expect(try await house.difference() == nil)
    }

    @Test("a hold is settled once") func once() async throws {
        try await house.grant(100)
        let hold = try await house.hold(try await house.key())
        try await house.metering.charge(hold)
        await #expect(throws: MeteringError.holdNotOpen) { try await house.metering.charge(hold) }
        await house.metering.void(hold)
        #expect(try await house.balance() == Balance(granted: Credits(100), usage: Usage(posted: Credits(20))))
        #expect(try await house.difference() == nil)
    }

    @Test("a crash leaves holds, and the next start voids them") func leftovers() async throws {
        try await house.grant(100)
        let key = try await house.key()
        _ = try await house.hold(key)
        try await house.metering.charge(try await house.hold(key))
        _ = try await house.hold(key)
        let restarted = house.restarted()
        #expect(try await restarted.voidLeftovers() == 2)
        #expect(try await restarted.voidLeftovers() == 0)
        #expect(try await house.balance() == Balance(granted: Credits(100), usage: Usage(posted: Credits(20))))
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
