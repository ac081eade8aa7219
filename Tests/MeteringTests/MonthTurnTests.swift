import Accounts
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Credentials
@testable import Metering

@Suite("The turn of a month")
struct MonthTurnTests {
    private let house: MeteringHouse

    init() async throws {
        house = try await MeteringHouse()
        try await house.grant(10_000)
    }

    private func month(_ key: Credential, _ text: String) async throws -> Usage? {
        let month = Month(of: try moment(text + "-01T00:00:00Z"))
        return try await house.metering.meters(of: [key.id], in: key.account, month)[key.id]?.month
    }

    private func isHeld(_ key: Credential, at time: String) async throws -> Bool {
        house.hand.set(try moment(time))
        do {
            _ = try await house.hold(key)
            return true
        } catch Denial.monthlyLimitReached {
            return false
        }
    }

    @Test("a limit for the month is new in the first microsecond of the next one, without anything that runs")
    func turn() async throws {
        let key = try await house.key(monthly: Credits(20))
        #expect(try await isHeld(key, at: "2026-06-30T23:59:59.999998Z"))
        #expect(try await !isHeld(key, at: "2026-06-30T23:59:59.999999Z"))
        #expect(try await isHeld(key, at: "2026-07-01T00:00:00.000000Z"))
        #expect(try await !isHeld(key, at: "2026-07-01T00:00:00.000001Z"))
        #expect(try await !isHeld(key, at: "2026-07-31T23:59:59.999999Z"))
        #expect(try await isHeld(key, at: "2026-08-01T00:00:00Z"))
    }

    @Test("a call admitted in the last millisecond counts in its month and its day, whenever it is answered")
    func answeredAfter() async throws {
        let key = try await house.key(monthly: Credits(20))
        house.hand.set(try moment("2026-06-30T23:59:59.999Z"))
        let hold = try await house.hold(key)
        house.hand.set(try moment("2026-07-01T00:00:05Z"))
        #expect(try await month(key, "2026-06") == Usage(held: Credits(20)))
        try await house.metering.charge(hold)
        #expect(try await month(key, "2026-06") == Usage(posted: Credits(20)))
        #expect(try await month(key, "2026-07") == Usage())
        let days = try #require(Day("2026-06-01"))...(try #require(Day("2026-07-31")))
        let report = try await house.metering.report(
            UsageRequest(account: house.ada.account, days: days, by: [.day]))
        #expect(report.map(\.day) == [Day("2026-06-30")])
        // July is untouched: its whole limit is there.
        #expect(try await isHeld(key, at: "2026-07-01T00:00:06Z"))
        #expect(try await house.difference() == nil)
    }

    @Test("a call that was looked at before midnight and decided after it counts before it") func decidedAfter()
        async throws
    {
        let key = try await house.key(monthly: Credits(20))
        house.hand.set(try moment("2026-06-30T23:59:59.999999Z"))
        let ask = house.ask(key)
        house.hand.set(try moment("2026-07-01T00:00:00.1Z"))
        guard case .held(let hold) = try await house.outcome(of: ask) else { throw NotHeld() }
        #expect(hold.call.month.text == "2026-06")
        #expect(try await month(key, "2026-06")?.held == Credits(20))
        #expect(try await isHeld(key, at: "2026-07-01T00:00:00.2Z"))
    }

    @Test("a release after the turn gives back to the month that it was held in") func releasedAfter() async throws {
        let key = try await house.key(monthly: Credits(20))
        house.hand.set(try moment("2026-06-30T23:59:59.999Z"))
        let hold = try await house.hold(key)
        #expect(try await isHeld(key, at: "2026-07-01T00:00:00Z"))
        house.release(hold)
        #expect(try await month(key, "2026-06") == Usage())
        #expect(try await month(key, "2026-07") == Usage(held: Credits(20)))
        #expect(try await house.difference() == nil)
    }

    @Test("a clock that steps back over the turn opens no second month") func stepsBack() async throws {
        let key = try await house.key(monthly: Credits(20))
        #expect(try await isHeld(key, at: "2026-06-30T23:59:59Z"))
        #expect(try await isHeld(key, at: "2026-07-01T00:00:00Z"))
        #expect(try await !isHeld(key, at: "2026-06-30T23:59:59.5Z"))
        #expect(try await !isHeld(key, at: "2026-07-01T00:00:00Z"))
        #expect(try await house.difference() == nil)
    }

    @Test("a call before 1970 counts in its month and its day, and the proof says so")
    func before1970() async throws {
        let key = try await house.key(monthly: Credits(20))
        for (time, isHeld) in [
            ("1968-02-29T23:59:59.999999Z", true), ("1968-02-29T00:00:00Z", false), ("1968-03-01T00:00:00Z", true),
            ("1969-12-31T23:59:59.999999Z", true), ("1969-12-31T00:00:00Z", false), ("1970-01-01T00:00:00Z", true),
            ("1969-11-30T12:00:00Z", true),
        ] {
            house.hand.set(try moment(time))
            do {
                _ = try await house.charged(key)
                #expect(isHeld, "\(time)")
            } catch Denial.monthlyLimitReached {
                #expect(!isHeld, "\(time)")
            }
            #expect(try await house.difference() == nil, "\(time)")
        }
        let days = Day(number: -700)...Day(number: 0)
        let report = try await house.metering.report(
            UsageRequest(account: key.account, days: days, by: [.day]))
        #expect(
            report.map { $0.day?.text } == ["1968-02-29", "1968-03-01", "1969-11-30", "1969-12-31", "1970-01-01"])
    }

    @Test("identifiers of entries only grow before 1970 too") func entryIDs() {
        let ids = EntryIDs()
        let made = [-86_400_000_000, -5000, -4000, -1001, -1, 0, 1, 999, 1000, -1, 2000].map {
            ids.next(at: Timestamp(microseconds: $0))
        }
        #expect(made == made.sorted())
        #expect(Set(made).count == made.count)
    }

    @Test(
        "the last day of February is the 29th in leap years alone",
        arguments: [
            ("2028-02-28T23:59:59Z", "2028-02-29T12:00:00Z", true),
            ("2028-02-29T23:59:59.999999Z", "2028-03-01T00:00:00Z", false),
            ("2027-02-28T23:59:59.999999Z", "2027-03-01T00:00:00Z", false),
            ("2100-02-28T23:59:59.999999Z", "2100-03-01T00:00:00Z", false),
            ("2027-12-31T23:59:59.999999Z", "2028-01-01T00:00:00Z", false),
        ])
    func leapDay(before: String, after: String, isSameMonth: Bool) async throws {
        let key = try await house.key(monthly: Credits(20))
        #expect(try await isHeld(key, at: before))
        #expect(try await isHeld(key, at: after) == !isSameMonth)
    }

    @Test(
        "a key that its month has stopped works in the next; one that its life has stopped never again without an edit")
    func status() async throws {
        let key = try await house.key(limit: Credits(40), monthly: Credits(20))
        house.hand.set(try moment("2026-06-30T12:00:00Z"))
        _ = try await house.charged(key)
        #expect(key.status(try await house.meter(key), at: house.hand.now) == .suspended)
        house.hand.set(try moment("2026-07-01T00:00:00Z"))
        #expect(key.status(try await house.meter(key), at: house.hand.now) == .active)
        _ = try await house.charged(key)
        house.hand.set(try moment("2026-08-01T00:00:00Z"))
        #expect(key.status(try await house.meter(key), at: house.hand.now) == .exhausted)
        await #expect(throws: Denial.creditLimitReached) { try await house.hold(key) }
        try await house.limit(key, to: .some(nil))
        _ = try await house.hold(key)
    }
}

@Suite("Whether a key works")
struct KeyStatusTests {
    private let now = Timestamp(microseconds: 1_000_000)

    private func status(
        until expiry: Int64? = nil, limit: Int64? = nil, monthly: Int64? = nil, used: Int64 = 0, month: Int64 = 0,
        held: Int64 = 0, isEnabled: Bool = true
    ) throws -> KeyStatus {
        let id = Identifier(at: now, random: (1, 2))
        let terms = KeyTerms(
            expiresAt: expiry.map(Timestamp.init(microseconds:)), creditLimit: limit.map(Credits.init(micro:)),
            monthlyLimit: monthly.map(Credits.init(micro:)))
        let key = try #require(TokenID("012345678901"))
        let credential = Credential(
            id: id, creator: id, account: id, application: id, name: "", terms: terms, labels: [],
            environment: nil, isEnabled: isEnabled,
            secret: KeySecret(id: key, hint: "", createdAt: now, endsAt: nil), reveal: .showOnce, reveals: 0,
            createdAt: now, updatedAt: now)
        let meter = KeyMeter(
            usage: Usage(posted: Credits(micro: used), held: Credits(micro: held)),
            month: Usage(posted: Credits(micro: month), held: Credits(micro: held)))
        return credential.status(meter, at: now)
    }

    @Test("the first that holds of expired, disabled, exhausted, suspended, active") func order() throws {
        #expect(try status() == .active)
        #expect(try status(until: 1_000_000, limit: 0, monthly: 0, isEnabled: false) == .expired)
        #expect(try status(until: 1_000_001, limit: 0, monthly: 0, isEnabled: false) == .disabled)
        #expect(try status(isEnabled: false) == .disabled)
        #expect(try status(until: 1_000_001, limit: 0, monthly: 0) == .exhausted)
        #expect(try status(until: 1_000_001, limit: 1, monthly: 0) == .suspended)
        #expect(try status(until: 1_000_001, limit: 1, monthly: 1) == .active)
    }

    @Test("what is charged stops a key when it reaches the limit; what is only held does not") func reached() throws {
        #expect(try status(limit: 10, used: 9, held: 1) == .active)
        #expect(try status(limit: 10, used: 10) == .exhausted)
        #expect(try status(limit: 10, used: 11) == .exhausted)
        #expect(try status(monthly: 10, used: 99, month: 9, held: 1) == .active)
        #expect(try status(monthly: 10, used: 99, month: 10) == .suspended)
        #expect(try status(limit: .max, monthly: .max, used: .max, month: .max) == .exhausted)
    }
}
