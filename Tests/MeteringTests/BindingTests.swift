import Accounts
import Credentials
import Database
import Policy
import TestSupport
import Testing
import Values

@testable import Metering

@Suite("What binds the very next call")
struct BindingTests {
    private let house: MeteringHouse
    private let key: Credential

    init() async throws {
        house = try await MeteringHouse()
        try await house.grant(1000)
        key = try await house.key(limit: Credits(100), monthly: Credits(100))
    }

    @Test("a limit that is raised, lowered, lowered below what is used, or taken away", arguments: [false, true])
    func limits(isMonthly: Bool) async throws {
        let denial = isMonthly ? Denial.monthlyLimitReached : .creditLimitReached
        func set(_ limit: Credits?) async throws {
            try await isMonthly
                ? house.limit(key, to: .some(nil), monthly: .some(limit))
                : house.limit(key, to: .some(limit), monthly: .some(nil))
        }
        for _ in 0..<2 { _ = try await house.charged(key) }
        let open = try await house.hold(key)
        try await set(Credits(60))
        await #expect(throws: denial) { try await house.hold(key, cost: Credits(micro: 1)) }
        _ = try await house.hold(key, cost: .zero)
        try await set(Credits(59))
        await #expect(throws: denial) { try await house.hold(key, cost: .zero) }
        try await set(Credits(80))
        #expect(try await house.hold(key).remaining == .zero)
        try await set(nil)
        _ = try await house.hold(key)
        try await set(.zero)
        await #expect(throws: denial) { try await house.hold(key) }
        // What was admitted before stays admitted.
        try await house.metering.charge(open)
        #expect(try await house.difference() == nil)
    }

    /// What was decided before a change is not held after it.
    private func expectChanged(_ call: MeteredCall, _ stamp: Generations.Stamp) {
        guard case .changed = house.metering.hold(call, under: stamp) else {
            Issue.record("a call was held, or denied, by facts from before the change")
            return
        }
    }

    @Test("a key that is deleted after its call was decided is refused; what it holds is settled")
    func deleted() async throws {
        let served = try await house.hold(key)
        let failed = try await house.hold(key)
        let (call, stamp) = try await house.decide(house.ask(key))
        try await house.credentials.delete(key.id, of: key.account, by: .test)
        expectChanged(call, stamp)
        await #expect(throws: Denial.invalidKey) { try await house.hold(key) }
        try await house.metering.charge(served)
        house.release(failed)
        #expect(try await house.balance().usage == Usage(posted: Credits(20)))
        #expect(try await house.difference() == nil)
    }

    @Test("an account that is suspended after its call was decided is refused; what it holds is settled")
    func suspended() async throws {
        let served = try await house.hold(key)
        let (call, stamp) = try await house.decide(house.ask(key))
        try await house.suspend(key.account)
        expectChanged(call, stamp)
        await #expect(throws: Denial.accountSuspended) { try await house.hold(key) }
        try await house.metering.charge(served)
        try await house.suspend(key.account, false)
        expectChanged(call, stamp)
        _ = try await house.hold(key)
        #expect(try await house.difference() == nil)
    }

    @Test("a key that is switched off after its call was decided is refused; what it holds is settled")
    func disabled() async throws {
        let served = try await house.hold(key)
        let (call, stamp) = try await house.decide(house.ask(key))
        var edit = CredentialEdit()
        edit.isEnabled = false
        _ = try await house.credentials.edit(key.id, of: key.account, edit, by: .test)
        expectChanged(call, stamp)
        await #expect(throws: Denial.keyDisabled) { try await house.hold(key, cost: .zero) }
        try await house.metering.charge(served)
        edit.isEnabled = true
        _ = try await house.credentials.edit(key.id, of: key.account, edit, by: .test)
        _ = try await house.hold(key)
        #expect(try await house.difference() == nil)
    }

    @Test("a limit that is changed after the call was decided: neither the old one nor a guess holds")
    func limitChanged()
        async throws
    {
        _ = try await house.hold(key)
        let (call, stamp) = try await house.decide(house.ask(key))
        try await house.limit(key, to: .some(Credits(30)))
        expectChanged(call, stamp)
        await #expect(throws: Denial.creditLimitReached) { try await house.hold(key) }
    }

    @Test("an account without credits spends nothing of another's") func otherAccount() async throws {
        let bob = try await house.bob()
        let own = try await house.key(of: bob.user, bob.app)
        await #expect(throws: Denial.insufficientCredits) { try await house.hold(own) }
        #expect(try await house.balance().usage == Usage())
    }

    @Test("the first bound in the order key, month, account is the one that is named") func order() async throws {
        let poor = try await house.key(limit: Credits(10), monthly: Credits(10))
        await #expect(throws: Denial.creditLimitReached) { try await house.hold(poor, cost: Credits(2000)) }
        try await house.limit(poor, to: .some(nil))
        await #expect(throws: Denial.monthlyLimitReached) { try await house.hold(poor, cost: Credits(2000)) }
        try await house.limit(poor, to: .some(nil), monthly: .some(nil))
        await #expect(throws: Denial.insufficientCredits) { try await house.hold(poor, cost: Credits(2000)) }
    }

    @Test("what a hold says is left is the least of the three") func remaining() async throws {
        #expect(try await house.hold(key).remaining == Credits(80))
        try await house.limit(key, to: .some(Credits(50)))
        #expect(try await house.hold(key).remaining == Credits(10))
        try await house.limit(key, to: .some(Credits(500)), monthly: .some(Credits(65)))
        #expect(try await house.hold(key).remaining == Credits(5))
        try await house.limit(key, to: .some(nil), monthly: .some(nil))
        #expect(try await house.hold(key).remaining == Credits(920))
    }

    @Test("a call that costs nothing is recorded as any other") func free() async throws {
        _ = try await house.charged(key, cost: .zero)
        let day = Day(of: house.hand.now)
        let report = try await house.metering.report(
            UsageRequest(account: key.account, days: day...day, by: [.credential]))
        #expect(report.map(\.calls) == [1])
        #expect(report.map(\.amount) == [.zero])
        #expect(try await house.difference() == nil)
    }

    @Test("identifiers of entries only grow, also within a millisecond, when the clock steps back, and after a restart")
    func entryIDs() async throws {
        var ids: [Identifier] = []
        for step in [0, 0, 5, -3_600_000_000, 0, 1] as [Int64] {
            house.hand.set(Timestamp(microseconds: house.hand.now.microseconds + step))
            ids.append(try await house.charged(key, cost: .zero).id)
        }
        let restarted = house.restarted()
        try await restarted.begin()
        guard case .held(let hold) = try await house.outcome(of: house.ask(key), by: restarted) else { throw NotHeld() }
        ids.append(hold.id)
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
    }
}
