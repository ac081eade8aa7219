import Credentials
import Database
import Foundation
import Policy
import Synchronization
import TestSupport
import Testing
import Values

@testable import Metering

@Suite("The fold")
struct FoldTests {
    private let house: MeteringHouse
    private let key: Credential

    init() async throws {
        house = try await MeteringHouse()
        try await house.grant(1000)
        key = try await house.key()
    }

    private func unfolded() async throws -> Int64 {
        try await LedgerCheck.run(on: house.database, isPriced: false).unfolded
    }

    /// What each table of totals says, in one text.
    private func totals(_ database: Database) async throws -> [String] {
        try await database.read { connection in
            try ["balances", "credential_usage", "credential_months", "usage_days", "charge_index", "fold"].flatMap {
                table in try connection.rows("SELECT * FROM \(table) ORDER BY 1, 2").map { "\(table) \($0)" }
            }
        }
    }

    @Test("how many charges wait for it can be asked for, and when the last entry was recorded") func state()
        async throws
    {
        try await house.metering.fold()
        #expect(try await house.metering.logState().unfolded == 0)
        for _ in 0..<3 { _ = try await house.charged(key) }
        let waiting = try await house.metering.logState()
        #expect(waiting.unfolded == 3)
        house.hand.set(house.hand.now.adding(.seconds(60)))
        _ = try await house.charged(key)
        try await house.metering.fold()
        let state = try await house.metering.logState()
        #expect(state.unfolded == 0 && state.recorded.milliseconds == house.hand.now.milliseconds)
        #expect(waiting.recorded < state.recorded)
    }

    @Test("it moves charges into the totals, once, however often it is run") func once() async throws {
        for _ in 0..<3 { _ = try await house.charged(key) }
        #expect(try await unfolded() == 3)
        try await house.metering.fold()
        let first = try await totals(house.database)
        #expect(try await unfolded() == 0)
        try await house.metering.fold()
        #expect(try await totals(house.database) == first)
        #expect(try await house.balance().usage == Usage(posted: Credits(60)))
        #expect(try await house.difference() == nil)
    }

    @Test("it comes by itself a while after a charge, and after a call that was refused") func byItself() async throws {
        let metering = MeteringHouse.metering(
            over: house.database, house.generations, house.hand.clock, foldAfter: .milliseconds(20))
        guard case .held(let hold) = try await house.outcome(of: house.ask(key), by: metering),
            case .held(let other) = try await house.outcome(of: house.ask(key), by: metering)
        else { throw NotHeld() }
        try await metering.charge(hold)
        metering.release(other, as: "upstream_failed")
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            let (charges, refused) = (try await unfolded(), try await house.count("refused_calls"))
            if charges == 0, refused == 1 { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try await unfolded() == 0)
        #expect(try await house.count("refused_calls") == 1)
    }

    @Test("more charges than one step takes are all folded") func long() async throws {
        _ = try await house.charged(key, cost: .zero)
        try await house.tamper(
            """
            INSERT INTO charges (id, subject, amount, time_offset)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(2 * Folding.batch + 5))
            SELECT (SELECT max(id) FROM charges) + i, 1, 1, 0 FROM n
            """)
        let restarted = house.restarted()
        try await restarted.begin()
        #expect(try await unfolded() == 0)
        #expect(
            try await restarted.balance(of: key.account).usage.posted == Credits(micro: Int64(2 * Folding.batch + 5)))
        #expect(try await house.difference() == nil)
    }

    @Test("a charge that breaks a bound of the schema stops the server, and is not folded") func brokenBound()
        async throws
    {
        let sentences = Sentences()
        let metering = MeteringHouse.metering(
            over: house.database, house.generations, house.hand.clock, onBrokenBound: { sentences.add($0) })
        _ = try await house.charged(key)
        try await house.metering.fold()
        // As only a fault of ours could: more than was ever granted.
        try await house.tamper("INSERT INTO charges (id, subject, amount, time_offset) VALUES (7, 1, 1000000001, 0)")
        let before = try await totals(house.database)
        await #expect(throws: DatabaseFailure.constraint) { try await metering.fold() }
        #expect(sentences.all.count >= 1)
        #expect(try await totals(house.database) == before)
        #expect(try await house.difference()?.contains("behind the fold") == true)
    }

    private final class Sentences: Sendable {
        private let list = Mutex<[String]>([])
        var all: [String] { list.withLock { $0 } }
        func add(_ sentence: String) { list.withLock { $0.append(sentence) } }
    }

    @Test(
        "a fold that is killed at any of its steps has done nothing, and the next process does it all",
        arguments: [
            "UPDATE ON balances", "INSERT ON balances", "INSERT ON charge_index", "INSERT ON credential_usage",
            "UPDATE ON credential_usage", "INSERT ON credential_months", "INSERT ON usage_days", "UPDATE ON usage_days",
            "UPDATE ON fold", "INSERT ON refused_calls",
        ])
    func killed(step: String) async throws {
        // Of an account with totals, and of one without.
        _ = try await house.charged(key)
        try await house.metering.fold()
        let bob = try await house.bob()
        let free = try await house.key(of: bob.user, bob.app)
        for _ in 0..<2 {
            _ = try await house.charged(key)
            _ = try await house.charged(free, cost: .zero)
        }
        house.release(try await house.hold(key))
        let before = try await totals(house.database)
        try await house.tamper(
            "CREATE TRIGGER fault BEFORE \(step) BEGIN SELECT abs(-9223372036854775807 - 1); END")
        await #expect(throws: DatabaseFailure.self) { try await house.metering.fold() }
        #expect(try await totals(house.database) == before)
        try await house.tamper("DROP TRIGGER fault")
        let restarted = house.restarted()
        #expect(try await restarted.balance(of: key.account).usage == Usage(posted: Credits(60)))
        #expect(try await unfolded() == 0)
        #expect(try await house.difference() == nil)
        // The process that goes on has lost no count, nor anything else.
        try await house.metering.fold()
        #expect(try await house.count("refused_calls") == 1)
        #expect(try await house.balance().usage == Usage(posted: Credits(60)))
    }

    @Test("a copy of the files at any moment of a busy run is a right ledger, with every charge that was answered")
    func copies() async throws {
        let (house, key) = (house, key)
        let (answered, copies) = try await withThrowingTaskGroup(of: Void.self) { group in
            let answered = Answered()
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<40 {
                        let hold = try await house.hold(key, cost: Credits(1))
                        try await house.metering.charge(hold)
                        answered.add(hold.number)
                    }
                }
            }
            group.addTask {
                for _ in 0..<20 {
                    try await house.metering.fold()
                    try await Task.sleep(for: .milliseconds(2))
                }
            }
            var copies: [(folder: String, answered: [Int64])] = []
            for number in 0..<8 {
                let before = answered.all
                copies.append((try Self.copy(house.folder, number), before))
                try await Task.sleep(for: .milliseconds(5))
            }
            try await group.waitForAll()
            return (answered.all, copies)
        }
        #expect(answered.count == 160)
        for copy in copies {
            defer { try? FileManager.default.removeItem(atPath: copy.folder) }
            let database = try Platform.database(in: copy.folder, house.hand.clock)
            let metering = MeteringHouse.metering(over: database, house.generations, house.hand.clock)
            try await metering.begin()
            let there = try await database.read { connection in
                try connection.rows("SELECT id FROM charges").map { try $0.integer("id") }
            }
            #expect(Set(copy.answered).isSubset(of: there))
            let usage = try await metering.balance(of: key.account).usage
            #expect(usage == Usage(posted: Credits(Int64(there.count))))
            #expect(try await LedgerCheck.run(on: database, isPriced: false).difference == nil)
            try database.close()
        }
    }

    private final class Answered: Sendable {
        private let numbers = Mutex<[Int64]>([])
        var all: [Int64] { numbers.withLock { $0 } }
        func add(_ number: Int64) { numbers.withLock { $0.append(number) } }
    }

    /// As a process that is killed leaves them. The log is copied after the file: the file is changed by checkpoints alone,
    /// of which this many charges make none.
    private static func copy(_ folder: String, _ number: Int) throws -> String {
        let copy = folder + "-copy-\(number)"
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for name in ["latchkey.db", "latchkey.db-wal"] {
            try FileManager.default.copyItem(atPath: folder + "/" + name, toPath: copy + "/" + name)
        }
        return copy
    }
}
