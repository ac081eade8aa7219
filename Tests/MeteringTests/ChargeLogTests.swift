import Credentials
import Database
import Dispatch
import Policy
import Synchronization
import TestSupport
import Testing
import Values

@testable import Metering

/// Keeps the one writer busy, so that what comes meanwhile has to wait.
private final class Blockade: Sendable {
    private let isOver = DispatchSemaphore(value: 0)
    private let work: Task<Void, any Error>

    /// Returns when the writer is busy.
    init(_ database: Database) async throws {
        let hasBegun = Mutex(false)
        let began = Began(hasBegun)
        work = Task { [isOver] in
            try await database.write { _ in
                began.flag.withLock { $0 = true }
                isOver.wait()
            }
        }
        while !began.flag.withLock({ $0 }) { await Task.yield() }
    }

    func end() async throws {
        isOver.signal()
        try await work.value
    }

    private final class Began: Sendable {
        let flag: Mutex<Bool>
        init(_ flag: consuming sending Mutex<Bool>) { self.flag = flag }
    }
}

/// Counts what comes.
private final class Tally: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func add(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }
    subscript(_ name: String) -> Int { counts.withLock { $0[name] ?? 0 } }
}

@Suite("The charge log")
struct ChargeLogTests {
    private let house: MeteringHouse
    private let key: Credential

    init() async throws {
        house = try await MeteringHouse()
        try await house.grant(1_000_000)
        key = try await house.key()
    }

    /// What became of a charge, by name.
    private static func outcome(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "done"
        } catch {
            return "\(error)"
        }
    }

    /// Has the log wait for the writer, so that all that is charged in `body` shares one commit, or two when the first of
    /// them has begun before.
    private func together(_ holds: [Hold]) async throws -> [String] {
        let house = house
        let blockade = try await Blockade(house.database)
        let tasks = holds.map { hold in Task { await Self.outcome { try await house.metering.charge(hold) } } }
        try await Task.sleep(for: .milliseconds(100))
        try await blockade.end()
        var outcomes: [String] = []
        for task in tasks { outcomes.append(await task.value) }
        return outcomes
    }

    private func holds(_ count: Int, cost: Credits = Credits(20)) async throws -> [Hold] {
        var holds: [Hold] = []
        for _ in 0..<count { holds.append(try await house.hold(key, cost: cost)) }
        return holds
    }

    @Test("charges that come while the writer is busy are all made when it is not") func many()
        async throws
    {
        let holds = try await holds(200)
        #expect(Set(try await together(holds)) == ["done"])
        let numbers = try await house.database.read { connection in
            try connection.rows("SELECT id FROM charges ORDER BY n").map { try $0.integer("id") }
        }
        #expect(Set(numbers) == Set(holds.map(\.number)))
        #expect(try await house.balance().usage == Usage(posted: Credits(4000)))
    }

    @Test("callbacks of one commit are run in one go for each event loop") func wakes() async throws {
        let house = house
        let holds = try await holds(30)
        let tally = Tally()
        let wakes = (0..<3).map { number in
            Wake { work in
                tally.add("loop \(number)")
                work()
            }
        }
        let blockade = try await Blockade(house.database)
        for (number, hold) in holds.enumerated() {
            house.metering.charge(hold, hold.cost, answer: nil, wake: wakes[number % 3]) { result in
                if case .success = result { tally.add("done") }
            }
        }
        try await blockade.end()
        await house.metering.drain(for: .seconds(20))
        #expect(tally["done"] == 30)
        // One commit took all that waited; it can't have been more than two.
        for number in 0..<3 { #expect((1...2).contains(tally["loop \(number)"])) }
    }

    @Test("a callback finds its charge on disk and in the purse") func afterCommit() async throws {
        let hold = try await house.hold(key)
        // The callback goes on the queue of the database, on which the house can't be taken down.
        let (metering, database, account) = (house.metering, house.database, key.account)
        let found = await withCheckedContinuation { continuation in
            metering.charge(hold, hold.cost, answer: nil, wake: Wake { $0() }) { _ in
                Task {
                    let usage = try? await metering.balance(of: account).usage
                    let count = try? await database.read {
                        try $0.row("SELECT count(*) AS n FROM charges")?.integer("n")
                    }
                    continuation.resume(returning: (usage, count ?? nil))
                }
            }
        }
        #expect(found.0 == Usage(posted: Credits(20)))
        #expect(found.1 == 1)
    }

    @Test("when a commit fails, everything in it is refused, stays held, and nothing of it is there") func failed()
        async throws
    {
        try await house.breakLedger(when: "NEW.amount = 13")
        let holds = try await holds(3) + holds(1, cost: Credits(micro: 13)) + holds(3)
        let outcomes = try await together(holds)
        // (The first may have been in a commit of its own.)
        #expect(outcomes.dropFirst().allSatisfy { $0 == "engine(code: 1)" })
        let served = Int64(outcomes.filter { $0 == "done" }.count)
        #expect(try await house.count("charges") == served)
        #expect(
            try await house.balance().usage
                == Usage(posted: Credits(20 * served), held: Credits(micro: 20_000_000 * (6 - served) + 13)))
        // What was not charged is still there to be ended, either way.
        try await house.mend()
        for hold in holds.suffix(3) { try await house.metering.charge(hold) }
        for hold in holds.prefix(4) { house.release(hold) }
        #expect(try await house.balance().usage == Usage(posted: Credits(20 * (served + 3))))
        try await house.metering.fold()
        #expect(try await house.difference() == nil)
    }

    @Test("a commit that fails at its very end refuses the charge") func failedAtTheEnd() async throws {
        // A reference that is checked only when the transaction ends.
        try await house.tamper(
            "CREATE TABLE orphans (parent TEXT REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED)")
        try await house.tamper(
            "CREATE TRIGGER fault AFTER INSERT ON charges BEGIN INSERT INTO orphans (parent) VALUES ('nobody'); END")
        let hold = try await house.hold(key)
        await #expect(throws: DatabaseFailure.foreignKey) { try await house.metering.charge(hold) }
        #expect(try await house.balance().usage == Usage(held: Credits(20)))
        #expect(try await house.count("charges") == 0)
        // Nor does anybody remember a subject that is not there.
        #expect(try await house.count("charge_subjects") == 0)
        try await house.tamper("DROP TRIGGER fault")
        try await house.metering.charge(hold)
        try await house.metering.fold()
        #expect(try await house.difference() == nil)
    }

    @Test(
        "each of the tables that can't be written refuses the charge, or the fold, and nothing of it is there",
        arguments: [
            "charges", "charge_subjects", "idempotent_calls", "kept_answers", "balances", "charge_index",
            "credential_usage", "credential_months", "usage_days", "fold",
        ])
    func closed(table: String) async throws {
        let isOfTheCharge = ["charges", "charge_subjects", "idempotent_calls", "kept_answers"].contains(table)
        let hold = try await house.hold(key, idempotency: IdempotencyKey("order-1", body: []))
        if !isOfTheCharge { try await house.metering.charge(hold, answer: StoredAnswer(bytes: [1])) }
        for change in ["INSERT", "UPDATE", "DELETE"] {
            try await house.tamper(
                """
                CREATE TRIGGER fault_\(change) BEFORE \(change) ON \(table)
                BEGIN SELECT abs(-9223372036854775807 - 1); END
                """)
        }
        if isOfTheCharge {
            await #expect(throws: DatabaseFailure.self) {
                try await house.metering.charge(hold, answer: StoredAnswer(bytes: [1]))
            }
            #expect(try await house.balance().usage == Usage(held: Credits(20)))
        } else {
            await #expect(throws: DatabaseFailure.self) { try await house.metering.fold() }
            #expect(try await house.balance().usage == Usage(posted: Credits(20)))
        }
        #expect(try await house.difference() == nil)
        for change in ["INSERT", "UPDATE", "DELETE"] { try await house.tamper("DROP TRIGGER fault_\(change)") }
        if isOfTheCharge { try await house.metering.charge(hold, answer: StoredAnswer(bytes: [1])) }
        try await house.metering.fold()
        #expect(try await house.balance().usage == Usage(posted: Credits(20)))
        #expect(try await LedgerCheck.run(on: house.database, isPriced: false).unfolded == 0)
        #expect(try await house.difference() == nil)
    }

    @Test("draining ends when all is on disk and folded, and at its deadline when it can't be") func drain()
        async throws
    {
        let house = house
        let hold = try await house.hold(key)
        let blockade = try await Blockade(house.database)
        let charge = Task { try await house.metering.charge(hold) }
        try await Task.sleep(for: .milliseconds(50))
        await house.metering.drain(for: .milliseconds(200))
        try await blockade.end()
        try await charge.value
        await house.metering.drain(for: .seconds(20))
        #expect(try await LedgerCheck.run(on: house.database, isPriced: false).unfolded == 0)
    }

    @Test("a charge of a task that is cancelled while it waits is made, and its hold is over") func cancelled()
        async throws
    {
        let house = house
        let hold = try await house.hold(key)
        let blockade = try await Blockade(house.database)
        let charge = Task { try await house.metering.charge(hold) }
        try await Task.sleep(for: .milliseconds(50))
        charge.cancel()
        try await blockade.end()
        try await charge.value
        #expect(try await house.balance().usage == Usage(posted: Credits(20)))
    }
}
