import Database
import Foundation
import Testing
import Values

@Suite("The database")
struct DatabaseTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "database-\(UUID().uuidString)").path

    private func open(_ migrations: [Migration], limits: Database.Limits = .init()) throws -> Database {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return try Database(path: folder + "/latchkey.db", migrations: migrations, clock: .system, limits: limits)
    }

    private let pets = Migration("pets-1", ["CREATE TABLE pets (id TEXT PRIMARY KEY, age BIGINT CHECK (age >= 0))"])

    @Test("every commit is synced, logs ahead, and keeps its references") func promises() async throws {
        let database = try open([])
        let row = try await database.write { connection in
            (
                try connection.row("PRAGMA synchronous")?.integer("synchronous"),
                try connection.row("PRAGMA journal_mode")?.text("journal_mode"),
                try connection.row("PRAGMA foreign_keys")?.integer("foreign_keys")
            )
        }
        #expect(row.0 == 2)
        #expect(row.1 == "wal")
        #expect(row.2 == 1)
    }

    @Test("files are the owner's alone") func modes() async throws {
        let database = try open([pets])
        try await database.write { try $0.run("INSERT INTO pets (id) VALUES ('a')") }
        for name in ["latchkey.db", "latchkey.db-wal", "latchkey.db-shm"] {
            let mode = try FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(name)")
        }
    }

    @Test("its size, what is free beside it, and what is under way can be asked for") func measured() async throws {
        let directory = try DataDirectory(folder)
        #expect(directory.databaseBytes == nil)
        let database = try open([pets])
        let size = try #require(directory.databaseBytes)
        for _ in 0..<50 { try await database.write { try $0.run("DELETE FROM pets") } }
        try await database.write { try $0.run("INSERT INTO pets (id) VALUES (hex(randomblob(100000)))") }
        #expect(try #require(directory.databaseBytes) > size + 100_000)
        let room = try #require(directory.room)
        #expect(room.free > 0 && room.free <= room.all)
        #expect(database.load.reads == 0 && database.load.writes == 0)
        let inside = try await database.read { [database] _ in database.load.reads }
        #expect(inside == 1)
    }

    @Test("parameters go by their number, not by their place") func parameters() async throws {
        let database = try open([pets])
        let texts = try await database.read { connection in
            let row = try connection.row("SELECT $2 AS second, $1 AS first, $2 AS again", "one", "two")
            return try ["first", "second", "again"].map { try row?.text($0) }
        }
        #expect(texts == ["one", "two", "two"])
    }

    @Test("a closure that throws leaves nothing behind") func rollback() async throws {
        struct Stop: Error {}
        let database = try open([pets])
        await #expect(throws: Stop.self) {
            try await database.write { connection in
                try connection.run("INSERT INTO pets (id) VALUES ('a')")
                throw Stop()
            }
        }
        #expect(try await database.read { try $0.rows("SELECT * FROM pets").count } == 0)
    }

    @Test("the schema's refusals have names") func failures() async throws {
        let database = try open([
            pets, Migration("toys-1", ["CREATE TABLE toys (pet TEXT NOT NULL REFERENCES pets (id))"]),
        ])
        try await database.write { try $0.run("INSERT INTO pets (id) VALUES ('a')") }
        await #expect(throws: DatabaseFailure.notUnique) {
            try await database.write { try $0.run("INSERT INTO pets (id) VALUES ('a')") }
        }
        await #expect(throws: DatabaseFailure.constraint) {
            try await database.write { try $0.run("INSERT INTO pets (id, age) VALUES ('b', -1)") }
        }
        await #expect(throws: DatabaseFailure.foreignKey) {
            try await database.write { try $0.run("INSERT INTO toys (pet) VALUES ('nobody')") }
        }
        await #expect(throws: DatabaseFailure.malformedRow(column: "id")) {
            try await database.read { try $0.row("SELECT id FROM pets")?.integer("id") }
        }
    }

    @Test("readers can't write") func readOnly() async throws {
        let database = try open([pets])
        await #expect(throws: DatabaseFailure.self) {
            try await database.read { try $0.run("INSERT INTO pets (id) VALUES ('a')") }
        }
    }

    @Test("more than may wait is refused, and the rest is served") func bounded() async throws {
        var limits = Database.Limits()
        limits.writes = 3
        let database = try open([pets], limits: limits)
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<20 {
                group.addTask {
                    do {
                        return try await database.write { connection in
                            try connection.run("INSERT INTO pets (id) VALUES ($1)", String(index))
                            Thread.sleep(forTimeInterval: 0.05)
                            return true
                        }
                    } catch DatabaseFailure.overloaded {
                        return false
                    } catch {
                        Issue.record(error)
                        return false
                    }
                }
            }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        let served = outcomes.filter { $0 }.count
        #expect((1..<20).contains(served))
        #expect(try await database.read { try $0.rows("SELECT id FROM pets").count } == served)
    }

    @Test("migrations run once, forward only, and a newer database is refused") func migrations() async throws {
        let more = Migration("pets-2", ["ALTER TABLE pets ADD COLUMN name TEXT", "INSERT INTO pets (id) VALUES ('a')"])
        try open([pets]).close()
        let database = try open([pets, more])
        #expect(try await database.read { try $0.rows("SELECT * FROM pets").count } == 1)
        try database.close()
        let again = try open([pets, more])
        #expect(try await again.read { try $0.rows("SELECT * FROM pets").count } == 1)
        try again.close()
        #expect(throws: DatabaseFailure.newerVersion("pets-2")) { try open([pets]) }
    }

    @Test("one process owns a data directory") func lock() throws {
        let path = folder + "-owned"
        let first = try DataDirectory(path)
        #expect(throws: DataDirectory.Failure.self) { try DataDirectory(path) }
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
        withExtendedLifetime(first) {}
    }
}

@Suite("Rows held in memory")
struct ReadThroughTests {
    /// Lets a test hold a load at its most delicate point.
    private actor Gate {
        private var isOpen = false
        private var waiting: [CheckedContinuation<Void, Never>] = []
        private(set) var arrivals = 0

        func pass() async {
            arrivals += 1
            if isOpen { return }
            await withCheckedContinuation { waiting.append($0) }
        }

        func open() {
            isOpen = true
            for continuation in waiting { continuation.resume() }
            waiting = []
        }
    }

    @Test("a value is read once, and again after it was invalidated") func invalidation() async throws {
        let loads = Gate()
        await loads.open()
        let cache = ReadThrough<Int, String>(capacity: 10) { key in
            await loads.pass()
            return "\(key)"
        }
        #expect(try await cache.value(1) == "1")
        #expect(try await cache.value(1) == "1")
        #expect(await loads.arrivals == 1)
        cache.invalidate(1)
        #expect(cache.held(1) == nil)
        _ = try await cache.value(1)
        #expect(await loads.arrivals == 2)
    }

    @Test("a load that read the old state just before an invalidation is not kept") func staleLoad() async throws {
        let gate = Gate()
        let cache = ReadThrough<Int, String>(capacity: 10) { _ in
            await gate.pass()
            return "old"
        }
        let load = Task { try await cache.value(1) }
        while await gate.arrivals == 0 { await Task.yield() }
        cache.invalidate(1)
        await gate.open()
        _ = try await load.value
        #expect(cache.held(1) == nil)
    }

    @Test("the table stays within its capacity") func capacity() async throws {
        let cache = ReadThrough<Int, Int>(capacity: 5) { $0 }
        for key in 0..<100 { _ = try await cache.value(key) }
        #expect((0..<100).filter { cache.held($0) != nil }.count == 5)
    }
}
