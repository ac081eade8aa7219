import Credentials
import Database
import Dispatch
import Policy
import Synchronization
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

@Suite("The one committer")
struct CommitterTests {
    private let house: MeteringHouse

    init() async throws {
        house = try await MeteringHouse()
        try await house.grant(1_000_000)
    }

    /// What became of a call, by name.
    private static func outcome(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "done"
        } catch let denial as Denial {
            return denial.rawValue
        } catch {
            return "\(error)"
        }
    }

    /// Has the committer wait for the writer with one call, so that what is asked for in `body` shares a commit.
    /// - Returns: what became of that one call, which may be in the same commit or in one before it.
    private func whileCommitting(_ key: Credential, _ body: () async -> [Task<Void, Never>]) async throws -> String {
        let house = house
        let blockade = try await Blockade(house.database)
        let first = Task { await Self.outcome { _ = try await house.hold(key) } }
        try await Task.sleep(for: .milliseconds(50))
        let tasks = await body()
        try await Task.sleep(for: .milliseconds(100))
        try await blockade.end()
        for task in tasks { await task.value }
        return await first.value
    }

    private func waitUntil(_ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while try await !condition() {
            guard ContinuousClock.now < end else {
                Issue.record("what was waited for did not come")
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    // MARK: Bounds

    @Test(
        "more holds than may wait are refused as overloaded at once, while the writer still stands; the rest is served")
    func depth() async throws {
        let key = try await house.key()
        let settled = try await house.hold(key, cost: Credits(micro: 1))
        let tally = Tally()
        let asked = Committer.depth + 2 * Committer.batch
        let blockade = try await Blockade(house.database)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<asked {
                group.addTask { [house] in
                    let outcome = await Self.outcome { _ = try await house.hold(key, cost: Credits(micro: 1)) }
                    tally.add(outcome)
                }
            }
            // One commit may be under way, and so many may wait.
            try await waitUntil { tally["overloaded"] >= asked - Committer.depth - Committer.batch }
            #expect(tally["done"] == 0)
            // A settlement is taken even so: there are never more of them than holds.
            group.addTask { [house] in
                let outcome = await Self.outcome { try await house.metering.charge(settled) }
                tally.add("charge " + outcome)
            }
            try await Task.sleep(for: .milliseconds(50))
            try await blockade.end()
            try await group.waitForAll()
        }
        #expect(tally["charge done"] == 1)
        #expect(tally["done"] + tally["overloaded"] == asked)
        #expect(tally["done"] >= Committer.depth)
        let usage = Usage(posted: Credits(micro: 1), held: Credits(micro: Int64(tally["done"])))
        #expect(try await house.balance().usage == usage)
        // And it is as before afterwards.
        _ = try await house.hold(key)
    }

    @Test("a hold that has waited too long is refused and never recorded; a settlement is as it was answered")
    func patience() async throws {
        let key = try await house.key()
        let held = try await house.hold(key)
        let blockade = try await Blockade(house.database)
        let house = house
        // The first of them asks for the writer's turn, the others wait behind it.
        let first = Task { await Self.outcome { _ = try await house.hold(key) } }
        try await Task.sleep(for: .milliseconds(100))
        let others = (0..<3).map { _ in Task { await Self.outcome { _ = try await house.hold(key) } } }
        let charge = Task { await Self.outcome { try await house.metering.charge(held) } }
        try await Task.sleep(for: Committer.patience + .milliseconds(500))
        try await blockade.end()
        #expect(await first.value == "overloaded")
        for other in others { #expect(await other.value == "overloaded") }
        let isCharged = await charge.value == "done"
        if !isCharged {
            // Not lost: it can still be settled.
            #expect(try await house.balance().usage == Usage(held: Credits(20)))
            try await house.metering.charge(held)
        }
        #expect(try await house.balance().usage == Usage(posted: Credits(20)))
        #expect(try await house.difference() == nil)
        _ = try await house.hold(key)
    }

    @Test("calls that come while a commit runs share the next one, in the order of their entries") func shared()
        async throws
    {
        let key = try await house.key()
        let tally = Tally()
        // The clock is asked once for each commit.
        let metering = MeteringHouse.metering(
            over: house.database,
            Clock {
                tally.add("commit")
                return MeteringHouse.noon
            })
        let call = house.call(key)
        let blockade = try await Blockade(house.database)
        let first = Task { try await metering.hold(call) }
        try await Task.sleep(for: .milliseconds(50))
        let others = (0..<200).map { _ in Task { try await metering.hold(call) } }
        try await Task.sleep(for: .milliseconds(200))
        try await blockade.end()
        for task in others + [first] { _ = try await task.value }
        #expect((1...2).contains(tally["commit"]))
        let ids = try await house.database.read { connection in
            try connection.rows("SELECT id FROM ledger WHERE kind = 'hold' ORDER BY rowid").map {
                try $0.identifier("id")
            }
        }
        #expect(ids.count == 201)
        #expect(ids == ids.sorted())
    }

    @Test("a lone call waits for one commit, and for no other call") func lone() async throws {
        let key = try await house.key()
        for _ in 0..<3 {
            let hold = try await house.hold(key)
            #expect(try await house.count("holds") == 1)
            try await house.metering.charge(hold)
            #expect(try await house.count("holds") == 0)
        }
    }

    // MARK: What can't be written

    @Test("when a commit fails, everything in it is refused and nothing of it is there") func failedCommit()
        async throws
    {
        let key = try await house.key()
        let toCharge = try await house.hold(key)
        let toVoid = try await house.hold(key)
        try await house.breakLedger(when: "NEW.amount = 13")
        let house = house
        let tally = Tally()
        let first = try await whileCommitting(key) {
            [
                Task { tally.add("charge " + (await Self.outcome { try await house.metering.charge(toCharge) })) },
                Task { await house.metering.void(toVoid) },
                Task { tally.add("hold " + (await Self.outcome { _ = try await house.hold(key) })) },
                Task {
                    tally.add(
                        "bad " + (await Self.outcome { _ = try await house.hold(key, cost: Credits(micro: 13)) }))
                },
            ]
        }
        for name in ["charge", "hold", "bad"] { #expect(tally["\(name) engine(code: 1)"] == 1, "\(name)") }
        // The void was refused with the rest, and is made up for.
        let held: Int64 = first == "done" ? 2 : 1
        try await waitUntil { try await house.count("holds") == held }
        #expect(try await house.balance().usage == Usage(held: Credits(20 * held)))
        #expect(try await house.difference() == nil)
        // What was not charged is still there to be settled.
        try await house.metering.charge(toCharge)
        #expect(try await house.balance().usage == Usage(posted: Credits(20), held: Credits(20 * held - 20)))
    }

    @Test("a call that the schema refuses does not take the others of its commit with it", arguments: [1, 20, 600])
    func oneRefused(calls: Int) async throws {
        let key = try await house.key()
        try await house.tamper(
            """
            CREATE TRIGGER fault BEFORE INSERT ON ledger WHEN NEW.amount = 13
            BEGIN SELECT RAISE(ABORT, 'refused'); END
            """)
        let house = house
        let tally = Tally()
        let first = try await whileCommitting(key) {
            (0..<calls).map { number in
                Task {
                    let cost = Credits(micro: number == calls / 2 ? 13 : 1)
                    tally.add(await Self.outcome { _ = try await house.hold(key, cost: cost) })
                }
            }
        }
        #expect(first == "done")
        #expect(tally["constraint"] == 1)
        #expect(tally["done"] == calls - 1)
        #expect(try await house.balance().usage.held == Credits(micro: 20_000_000 + Int64(calls) - 1))
        #expect(try await house.difference() == nil)
        _ = try await house.hold(key)
    }

    @Test("a commit that fails at its very end refuses the call") func failedAtTheEnd() async throws {
        let key = try await house.key()
        // A reference that is checked only when the transaction ends.
        try await house.tamper(
            """
            CREATE TABLE orphans (parent TEXT REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED)
            """)
        try await house.tamper(
            """
            CREATE TRIGGER fault AFTER INSERT ON holds BEGIN INSERT INTO orphans (parent) VALUES ('nobody'); END
            """)
        await #expect(throws: DatabaseFailure.foreignKey) { try await house.hold(key) }
        #expect(try await house.balance().usage == Usage())
        #expect(try await house.count("holds") == 0)
        try await house.mend()
        _ = try await house.hold(key)
        #expect(try await house.difference() == nil)
    }

    @Test(
        "each of the tables that can't be written refuses the call and the charge",
        arguments: [
            "ledger", "holds", "balances", "credential_usage", "credential_months", "usage_days", "idempotent_calls",
        ])
    func closed(table: String) async throws {
        let key = try await house.key()
        let mark = IdempotencyKey("order-1", body: [])
        let open = try await house.hold(key, idempotency: mark)
        for change in ["INSERT", "UPDATE", "DELETE"] {
            try await house.tamper(
                """
                CREATE TRIGGER fault_\(change) BEFORE \(change) ON \(table)
                BEGIN SELECT abs(-9223372036854775807 - 1); END
                """)
        }
        let isOfTheCall = table != "usage_days"
        if isOfTheCall {
            await #expect(throws: DatabaseFailure.self) {
                try await house.hold(key, idempotency: IdempotencyKey("order-2", body: []))
            }
        }
        await #expect(throws: DatabaseFailure.self) {
            try await house.metering.charge(open, answer: StoredAnswer(bytes: [1]))
        }
        #expect(try await house.balance().usage == Usage(held: Credits(20)))
        for change in ["INSERT", "UPDATE", "DELETE"] { try await house.tamper("DROP TRIGGER fault_\(change)") }
        try await house.metering.charge(open, answer: StoredAnswer(bytes: [1]))
        #expect(try await house.balance().usage == Usage(posted: Credits(20)))
        #expect(try await house.difference() == nil)
    }

    @Test("a void that can't be written is made again until it is; until then the credits stay held") func retried()
        async throws
    {
        let key = try await house.key()
        let hold = try await house.hold(key)
        try await house.breakLedger()
        await house.metering.void(hold)
        await house.metering.drain(for: .milliseconds(1500))
        #expect(try await house.balance().usage == Usage(held: Credits(20)))
        try await house.mend()
        await house.metering.drain(for: .seconds(20))
        #expect(try await house.balance().usage == Usage())
        #expect(try await house.count("holds") == 0)
        #expect(try await house.difference() == nil)
    }

    @Test("a void that could not be written before a crash is written at the next start, and once") func lostVoid()
        async throws
    {
        let key = try await house.key()
        let hold = try await house.hold(key)
        try await house.breakLedger()
        await house.metering.void(hold)
        await #expect(throws: DatabaseFailure.self) { try await house.restarted().voidLeftovers() }
        try await house.mend()
        #expect(try await house.restarted().voidLeftovers() == 1)
        // The one who still tries finds that it is done.
        await house.metering.drain(for: .seconds(20))
        #expect(try await house.balance().usage == Usage())
        #expect(try await house.difference() == nil)
    }

    @Test("draining ends when all is on disk, and at its deadline when it can't be") func drain() async throws {
        let key = try await house.key()
        await house.metering.drain(for: .seconds(20))
        let hold = try await house.hold(key)
        try await house.breakLedger()
        await house.metering.void(hold)
        let began = ContinuousClock.now
        await house.metering.drain(for: .milliseconds(300))
        let taken = ContinuousClock.now - began
        #expect(taken >= .milliseconds(300))
        #expect(taken < .seconds(5))
        try await house.mend()
        await house.metering.drain(for: .seconds(20))
        #expect(try await house.count("holds") == 0)
    }

    @Test("a caller who goes away while waiting still settles nothing twice: the hold is made and theirs")
    func cancelled()
        async throws
    {
        let key = try await house.key()
        let house = house
        let blockade = try await Blockade(house.database)
        let call = Task { try await house.hold(key) }
        try await Task.sleep(for: .milliseconds(50))
        call.cancel()
        try await blockade.end()
        let hold = try await call.value
        await house.metering.void(hold)
        #expect(try await house.balance().usage == Usage())
    }
}
