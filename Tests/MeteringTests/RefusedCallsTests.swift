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
            RefusedCallsRequest(account: key.account, days: days ?? today...today, credential: credential))
        return Dictionary(
            lines.map { ("\($0.group.day?.text ?? "") \($0.group.code ?? "")", $0.calls) }, uniquingKeysWith: +)
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
        let lines = try await report(first...second)
        #expect(lines.map(\.group.day) == [second, second, first])
        let bob = try await house.bob()
        let ofBob = RefusedCallsRequest(account: bob.user.account, days: first...second)
        #expect(try await house.metering.refusedCalls(ofBob).isEmpty)
    }

    private func report(
        _ days: ClosedRange<Day>, by: Set<RefusedCallsRequest.Dimension> = Set(RefusedCallsRequest.Dimension.allCases)
    ) async throws -> [(group: RefusedCallsGroup, calls: Int64)] {
        try await house.metering.refusedCalls(RefusedCallsRequest(account: key.account, days: days, by: by))
    }

    @Test("by day, by key, by code, and for the whole account; what is folded and what is not are one line")
    func dimensions() async throws {
        let other = try await house.key()
        for isFolded in [true, false] {
            for code in ["wrong_app", "key_expired"] { note(code) }
            note("wrong_app", other)
            if isFolded { try await house.metering.fold() }
        }
        house.hand.set(house.hand.now.adding(.seconds(86_400)))
        note("wrong_app")
        let (first, second) = (try #require(Day("2026-06-10")), try #require(Day("2026-06-11")))
        let byDay = try await report(first...second, by: [.day])
        #expect(byDay.map(\.group) == [RefusedCallsGroup(day: second), RefusedCallsGroup(day: first)])
        #expect(byDay.map(\.calls) == [1, 6])
        let byCode = try await report(first...second, by: [.code])
        #expect(byCode.map(\.group.code) == ["key_expired", "wrong_app"] && byCode.map(\.calls) == [2, 5])
        let byKey = try await report(first...second, by: [.credential])
        #expect(
            Dictionary(uniqueKeysWithValues: byKey.map { ($0.group.credential, $0.calls) }) == [key.id: 5, other.id: 2])
        #expect(byKey.map(\.group.credential) == [key.id, other.id].sorted())
        let both = try await report(first...first, by: [.credential, .code])
        #expect(both.count == 3 && both.allSatisfy { $0.calls == 2 && $0.group.day == nil })
    }

    @Test("one key's counts are found by its own index, and those of the account by its days") func plans()
        async throws
    {
        let ofKey = try await house.plan(of: RefusedCallTable.counts(by: "day, code", ofKey: true), 5)
        #expect(
            ofKey.first == "SEARCH refused_calls USING INDEX refused_calls_by_key (credential_id=? AND day>? AND day<?)"
        )
        let ofAll = try await house.plan(of: RefusedCallTable.counts(by: "code", ofKey: false), 5)
        #expect(
            ofAll.first
                == "SEARCH refused_calls USING INDEX sqlite_autoindex_refused_calls_1 (account_id=? AND day>? AND day<?)"
        )
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
