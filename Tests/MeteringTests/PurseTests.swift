import Accounts
import Credentials
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Metering

@Suite("Purses in memory")
struct PurseTests {
    private static let accounts = (0..<40).map {
        Identifier(at: Timestamp(microseconds: 0), random: (0, UInt64($0 + 1) << 2))
    }
    private static let month = Month(number: 677)

    private func call(_ account: Identifier, key: Identifier? = nil, cost: Int64 = 1, month: Int64 = 677) -> MeteredCall
    {
        MeteredCall(
            CallSubject(
                account: account, credential: key ?? account, application: account, model: "m", priceVersion: account,
                multiplierVersion: account),
            cost: Credits(micro: cost),
            time: Timestamp(microseconds: (month - 677) * 31 * 86_400_000_000 + 1_780_315_200_000_000),
            idempotency: nil)
    }

    private func load(_ purses: Purses, _ call: MeteredCall, granted: Int64 = 100) -> Bool {
        guard let missing = purses.missing(call.account, call.credential, call.month) else { return true }
        let totals = Purses.Totals(granted: Credits(micro: granted))
        return purses.insert(totals, call.account, call.credential, call.month, missing)
    }

    @Test("so many are in memory; one that has nothing under way goes, and no other") func bounded() throws {
        let purses = Purses(ids: EntryIDs(), capacity: 8)
        var held: [MeteredCall] = []
        for (number, account) in Self.accounts.enumerated() {
            let call = call(account)
            #expect(load(purses, call))
            guard number % 10 == 0 else { continue }
            guard case .held = purses.hold(call) else { throw NotHeld() }
            held.append(call)
        }
        #expect(purses.count == 8)
        for call in held { #expect(purses.balance(of: call.account)?.usage.held == Credits(micro: 1)) }
        // What is charged and not folded stays as well; what is folded may go.
        purses.charge(held.map { ($0, $0.cost) })
        for account in Self.accounts { _ = load(purses, call(account)) }
        for call in held { #expect(purses.balance(of: call.account)?.usage.posted == Credits(micro: 1)) }
        purses.fold(
            Dictionary(uniqueKeysWithValues: held.map { (Fold.Key(account: $0.account, credential: $0.credential), 1) })
        )
        for _ in 0..<20 { for account in Self.accounts { _ = load(purses, call(account)) } }
        #expect(purses.count == 8)
        #expect(held.contains { purses.balance(of: $0.account) == nil })
    }

    @Test("what was read from the database before something went is not taken in after it") func staleLoad() throws {
        let purses = Purses(ids: EntryIDs(), capacity: 1)
        let slow = call(Self.accounts[0])
        let missing = try #require(purses.missing(slow.account, slow.credential, slow.month))
        // Meanwhile it was loaded, spent, folded and given up.
        #expect(load(purses, slow))
        #expect(load(purses, call(Self.accounts[1])))
        #expect(purses.balance(of: slow.account) == nil)
        #expect(!purses.insert(Purses.Totals(), slow.account, slow.credential, slow.month, missing))
        #expect(purses.balance(of: slow.account) == nil)
    }

    @Test("what is read twice at once is taken in once, and what was held meanwhile stays") func doubleLoad() throws {
        let purses = Purses(ids: EntryIDs())
        let call = call(Self.accounts[0])
        let missing = try #require(purses.missing(call.account, call.credential, call.month))
        #expect(load(purses, call))
        guard case .held = purses.hold(call) else { throw NotHeld() }
        #expect(
            purses.insert(
                Purses.Totals(granted: Credits(micro: 100)), call.account, call.credential, call.month, missing))
        #expect(purses.balance(of: call.account)?.usage.held == Credits(micro: 1))
    }

    @Test("an account with many keys keeps few that have nothing under way") func manyKeys() throws {
        let purses = Purses(ids: EntryIDs())
        let account = Self.accounts[0]
        let busy = call(account, key: Self.accounts[1])
        #expect(load(purses, busy))
        guard case .held = purses.hold(busy) else { throw NotHeld() }
        for number in 0..<1000 {
            let key = Identifier(at: Timestamp(microseconds: 1000), random: (0, UInt64(number + 1) << 2))
            #expect(load(purses, call(account, key: key)))
        }
        #expect(purses.credits(of: busy.credential, in: account, Self.month)?.meter.usage.held == Credits(micro: 1))
        let first = Identifier(at: Timestamp(microseconds: 1000), random: (0, 4))
        #expect(purses.credits(of: first, in: account, Self.month) == nil)
    }

    @Test("a key that is asked about in month after month keeps few of them") func manyMonths() throws {
        let purses = Purses(ids: EntryIDs())
        let account = Self.accounts[0]
        for month in 677..<777 as Range<Int64> { #expect(load(purses, call(account, month: month))) }
        #expect(purses.credits(of: account, in: account, Self.month) == nil)
    }

    @Test("a call whose month is not in memory is not decided by another month") func unknownMonth() {
        let purses = Purses(ids: EntryIDs())
        #expect(load(purses, call(Self.accounts[0])))
        guard case .unknown = purses.hold(call(Self.accounts[0], month: 679)) else {
            Issue.record("it was decided")
            return
        }
    }

    @Test("so many calls may be under way, and no more") func open() throws {
        let purses = Purses(ids: EntryIDs(), mostOpen: 3)
        let call = call(Self.accounts[0])
        #expect(load(purses, call))
        for _ in 0..<3 { guard case .held = purses.hold(call) else { throw NotHeld() } }
        guard case .denied(.overloaded) = purses.hold(call) else { throw NotHeld() }
        purses.release(call)
        guard case .held = purses.hold(call) else { throw NotHeld() }
        purses.charge([(call, .zero)])
        guard case .held = purses.hold(call) else { throw NotHeld() }
    }

    @Test("with purses for one account alone, calls of three accounts are exact") func thrashing() async throws {
        let house = try await MeteringHouse()
        let bob = try await house.bob()
        let metering = MeteringHouse.metering(over: house.database, house.generations, house.hand.clock, purses: 1)
        let keys = [try await house.key(), try await house.key(of: bob.user, bob.app)]
        for key in keys { _ = try await metering.grant(Credits(50), to: key.account, reason: .empty, by: .test) }
        for turn in 0..<20 {
            for key in keys {
                do {
                    guard
                        case .held(let hold) = try await house.outcome(
                            of: house.ask(key, cost: Credits(10)), by: metering)
                    else { throw NotHeld() }
                    #expect(turn < 5)
                    try await metering.charge(hold)
                } catch Denial.insufficientCredits {
                    #expect(turn >= 5)
                }
                if turn % 3 == 0 { try await metering.fold() }
            }
        }
        for key in keys { #expect(try await metering.balance(of: key.account).available == .zero) }
        try await metering.fold()
        #expect(try await house.difference() == nil)
    }
}
