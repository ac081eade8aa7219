import Accounts
import Credentials
import Database
import TestSupport
import Testing
import Values

@testable import Metering

@Suite("Calls that were not served")
struct RefusedCallsTests {
    private let house: MeteringHouse
    private let key: Credential

    init() async throws {
        house = try await MeteringHouse()
        try await house.grant(1000)
        key = try await house.key()
    }

    private func counts(
        _ metering: Metering? = nil, days: ClosedRange<Day>? = nil, of credential: Identifier? = nil
    ) async throws -> [String: Int64] {
        let today = Day(of: house.hand.now)
        let lines = try await (metering ?? house.metering).refusedCalls(
            of: key.account, days ?? today...today, credential: credential)
        return Dictionary(lines.map { ("\($0.line.day.text) \($0.line.code)", $0.calls) }, uniquingKeysWith: +)
    }

    private func note(_ code: String, _ key: Credential? = nil) {
        let key = key ?? self.key
        house.metering.noteRefused(key.id, of: key.account, as: code, at: house.hand.now)
    }

    @Test("they are counted by day, key and code; the last call is included, before the fold and after it")
    func counted()
        async throws
    {
        house.release(try await house.hold(key))
        for _ in 0..<2 { note("wrong_app") }
        let expected: [String: Int64] = ["2026-06-10 upstream_failed": 1, "2026-06-10 wrong_app": 2]
        #expect(try await counts() == expected)
        try await house.metering.fold()
        #expect(try await counts() == expected)
        note("wrong_app")
        #expect(try await counts()["2026-06-10 wrong_app"] == 3)
        try await house.metering.fold()
        #expect(try await counts()["2026-06-10 wrong_app"] == 3)
        #expect(try await house.count("refused_calls") == 2)
    }

    @Test("they cost nothing, and a million of them write no more than one") func free() async throws {
        for _ in 0..<1000 { house.release(try await house.hold(key)) }
        try await house.metering.fold()
        #expect(try await house.count("refused_calls") == 1)
        #expect(try await house.count("charges") == 0)
        #expect(try await house.count("charge_subjects") == 0)
        #expect(try await house.balance() == Balance(granted: Credits(1000)))
        #expect(try await counts() == ["2026-06-10 upstream_failed": 1000])
    }

    @Test("only the days and the key that were asked for, the newest day first") func filters() async throws {
        let other = try await house.key()
        note("wrong_app")
        house.hand.set(house.hand.now.adding(.seconds(86_400)))
        note("wrong_app", other)
        try await house.metering.fold()
        note("wrong_app")
        let first = try #require(Day("2026-06-10"))
        let second = try #require(Day("2026-06-11"))
        #expect(try await counts(days: first...first) == ["2026-06-10 wrong_app": 1])
        #expect(try await counts(days: second...second) == ["2026-06-11 wrong_app": 2])
        #expect(try await counts(days: first...second, of: other.id) == ["2026-06-11 wrong_app": 1])
        let lines = try await house.metering.refusedCalls(of: key.account, first...second, credential: nil)
        #expect(lines.map(\.line.day) == [second, second, first])
        let bob = try await house.bob()
        #expect(try await house.metering.refusedCalls(of: bob.user.account, first...second, credential: nil).isEmpty)
    }

    @Test("a fold that fails loses no count, and makes none twice") func failedFold() async throws {
        note("wrong_app")
        try await house.tamper(
            "CREATE TRIGGER fault BEFORE UPDATE ON fold BEGIN SELECT abs(-9223372036854775807 - 1); END")
        _ = try await house.charged(key)
        await #expect(throws: DatabaseFailure.self) { try await house.metering.fold() }
        note("wrong_app")
        #expect(try await counts() == ["2026-06-10 wrong_app": 2])
        try await house.tamper("DROP TRIGGER fault")
        try await house.metering.fold()
        #expect(try await counts() == ["2026-06-10 wrong_app": 2])
    }

    @Test("so many different lines are held between two folds") func bounded() {
        let refused = RefusedCalls()
        for number in 0..<RefusedCalls.most + 100 {
            let line = RefusedCallsLine(
                account: key.account, credential: key.id, code: "wrong_app", day: Day(number: Int64(number)))
            #expect(refused.note(line) == (number == 0))
        }
        #expect(refused.take().count == RefusedCalls.most)
    }
}
