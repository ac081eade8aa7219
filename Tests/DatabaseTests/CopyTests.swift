import Database
import Foundation
import Testing
import Values

@Suite("A copy of a database")
struct CopyTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "copy-\(UUID().uuidString)").path
    private static let pets = [
        Migration("pets-1", ["CREATE TABLE pets (id BIGINT PRIMARY KEY, twin BIGINT NOT NULL, note TEXT NOT NULL)"])
    ]

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    private var path: String { folder + "/latchkey.db" }

    private func open() throws -> Database { try Database(path: path, migrations: Self.pets, clock: .system) }

    private func reading(_ path: String) throws -> Database { try Database(reading: path, migrations: Self.pets) }

    /// Each commit adds two rows that name one another, so that half a commit shows.
    private static func add(_ number: Int, to database: Database) async throws {
        try await database.write { connection in
            let note = String(repeating: "x", count: 2000)
            try connection.run("INSERT INTO pets VALUES ($1, $2, $3)", number * 2, number * 2 + 1, note)
            try connection.run("INSERT INTO pets VALUES ($1, $2, $3)", number * 2 + 1, number * 2, note)
        }
    }

    @Test("is one moment of a database that is written to meanwhile") func moment() async throws {
        let writer = try open()
        for number in 0..<2000 { try await Self.add(number, to: writer) }
        let draft = try FileDraft(of: folder + "/copy.db")
        let source = try reading(path)
        let writing = Task {
            var number = 2000
            while !Task.isCancelled {
                try await Self.add(number, to: writer)
                number += 1
            }
            return number
        }
        try await source.copy(to: draft.path) { _ in }
        writing.cancel()
        let written = try await writing.value
        try draft.keep()
        let copy = try reading(folder + "/copy.db")
        #expect(try await copy.firstFault() == nil)
        let (rows, single, last) = try await copy.read { connection in
            (
                try connection.row("SELECT count(*) AS n FROM pets")?.integer("n") ?? 0,
                try connection.row(
                    "SELECT count(*) AS n FROM pets AS a WHERE NOT EXISTS (SELECT 1 FROM pets WHERE id = a.twin)"
                )?.integer("n"),
                try connection.row("SELECT max(id) AS n FROM pets")?.integer("n") ?? 0
            )
        }
        #expect(single == 0)
        #expect(rows == last + 1)
        #expect((4000...Int64(written * 2)).contains(rows))
        let all = try await writer.read { try $0.row("SELECT count(*) AS n FROM pets")?.integer("n") }
        #expect(all == Int64(written * 2))
    }

    @Test("tells how far it is, up to the end") func progress() async throws {
        let writer = try open()
        for number in 0..<4000 { try await Self.add(number, to: writer) }
        let draft = try FileDraft(of: folder + "/copy.db")
        let (steps, continuation) = AsyncStream.makeStream(of: Double.self)
        try await reading(path).copy(to: draft.path) { continuation.yield($0) }
        continuation.finish()
        var seen: [Double] = []
        for await step in steps { seen.append(step) }
        #expect(seen.count > 2)
        #expect(seen == seen.sorted())
        #expect(seen.last == 1)
        #expect(seen.first.map { $0 < 1 } == true)
    }

    @Test("of what is no database is refused") func noDatabase() async throws {
        let text = folder + "/text.db"
        try Data(String(repeating: "no database ", count: 1000).utf8).write(to: URL(filePath: text))
        let draft = try FileDraft(of: folder + "/copy.db")
        await #expect(throws: DatabaseFailure.self) {
            try await Database(reading: text, migrations: nil).copy(to: draft.path) { _ in }
        }
    }

    // MARK: A file that takes its name when it is whole

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

    @Test("a draft that is not kept is gone") func notKept() throws {
        do {
            let draft = try FileDraft(of: folder + "/file")
            try Data("half".utf8).write(to: URL(filePath: draft.path))
            #expect(try names() == ["file.partial"])
        }
        #expect(try names() == [])
    }

    @Test("a draft that is kept has its name, its content and mode 0600") func kept() throws {
        let draft = try FileDraft(of: folder + "/file")
        let handle = try #require(FileHandle(forWritingAtPath: draft.path))
        try handle.write(contentsOf: Data("whole".utf8))
        try draft.keep()
        #expect(try names() == ["file"])
        #expect(FileManager.default.contents(atPath: folder + "/file") == Data("whole".utf8))
        let mode = try FileManager.default.attributesOfItem(atPath: folder + "/file")[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("a file that is there is not overwritten, also when it comes in the meantime") func exists() throws {
        let file = folder + "/file"
        let draft = try FileDraft(of: file)
        try Data("theirs".utf8).write(to: URL(filePath: file))
        #expect(throws: FileDraft.Failure.self) { try draft.keep() }
        #expect(throws: FileDraft.Failure.self) { try FileDraft(of: file) }
        #expect(FileManager.default.contents(atPath: file) == Data("theirs".utf8))
    }

    @Test("a database that was written to is kept with what is in its log, or not at all") func log() async throws {
        let draft = try FileDraft(of: folder + "/file")
        let database = try Database(path: draft.path, migrations: Self.pets, clock: .system)
        try await Self.add(1, to: database)
        #expect(throws: FileDraft.Failure.self) { try draft.keep() }
        try database.foldLog()
        try database.close()
        try draft.keep()
        #expect(try names() == ["file"])
        let rows = try await reading(folder + "/file").read { try $0.row("SELECT count(*) AS n FROM pets") }
        #expect(try rows?.integer("n") == 2)
    }

    @Test("one process at a time writes a draft; what one has left is begun anew") func leftovers() throws {
        let file = folder + "/file"
        do {
            let draft = try FileDraft(of: file)
            #expect(throws: FileDraft.Failure.self) { try FileDraft(of: file) }
            _ = draft
        }
        try Data("left by a killed one".utf8).write(to: URL(filePath: file + ".partial"))
        try Data("and its log".utf8).write(to: URL(filePath: file + ".partial-wal"))
        let draft = try FileDraft(of: file)
        #expect(FileManager.default.contents(atPath: draft.path) == Data())
        #expect(try names() == ["file.partial"])
    }

    @Test("a second name of a file that somebody keeps is let go, and no link is followed") func secondName() throws {
        let kept = folder + "/kept"
        try Data("a good backup".utf8).write(to: URL(filePath: kept))
        try FileManager.default.linkItem(atPath: kept, toPath: folder + "/file.partial")
        do { _ = try FileDraft(of: folder + "/file") }
        #expect(FileManager.default.contents(atPath: kept) == Data("a good backup".utf8))
        try FileManager.default.createSymbolicLink(atPath: folder + "/file.partial", withDestinationPath: kept)
        #expect(throws: FileDraft.Failure.self) { try FileDraft(of: folder + "/file") }
        #expect(FileManager.default.contents(atPath: kept) == Data("a good backup".utf8))
    }
}
