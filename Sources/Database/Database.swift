import Dispatch
import GRDB
import Synchronization
package import Values

/// The room that knows SQL engines and no domain.
///
/// It owns opening (write-ahead log, `synchronous=FULL`, foreign keys), the one writer, the readers, prepared
/// statements, migrations, the lock on the data directory, and the turn of engine errors into ``DatabaseFailure``.
/// It must not know a table: each domain brings its own tables as ``Migration``s and its own SQL.
///
/// SQL is one portable text for SQLite and PostgreSQL: `$1` parameters, `RETURNING`, `ON CONFLICT`, times as `BIGINT`
/// microseconds, identifiers as text. Nothing above this room names an engine.
///
/// Work runs as a synchronous closure on the engine's own queues, never on an event loop. Both queues are bounded and a
/// closure that has waited longer than ``Limits/wait`` is refused unrun: better a clear "overloaded" than a wait
/// without end. A task's cancellation does not reach a running closure; a write that began is finished.
///
/// When the disk fails to make something durable, nothing that was written since can be relied on: the kernel may have
/// dropped the pages and will not say so again (https://wiki.postgresql.org/wiki/Fsync_Errors). `onLostWrite` is told,
/// and is to end the process. SQLite keeps such an error to itself when it meets it in a checkpoint that it began by
/// itself, so checkpoints are begun here.
package final class Database: Sendable {
    /// How much may wait, and how long.
    package struct Limits: Sendable {
        /// Reads that may be under way or waiting.
        package var depth = 1024
        /// Writes that may wait, each of which makes all behind it wait for the disk once more.
        package var writes = 256
        /// The longest wait for a turn.
        package var wait: Duration = .seconds(10)

        package init() {}
    }

    let engine: any DatabaseWriter
    private let limits: Limits
    private let reads = Atomic<Int>(0)
    private let writes = Atomic<Int>(0)
    private let onLostWrite: @Sendable () -> Void
    /// The engine's count of changed rows at the last checkpoint. It has 32 bits, and begins anew below zero.
    private let checkpointed = Atomic<Int>(0)
    /// So many changed rows are a few thousand pages of log, which is what a reader has to search and a restart to
    /// read.
    private static let checkpointAfter = 4096

    /// Opens the database file, creating it with mode 0600, and brings its schema up to date.
    ///
    /// - Throws: ``DatabaseFailure/newerVersion(_:)`` when a later release has been here,
    ///   ``DatabaseFailure/unsafe(_:)`` when the engine does not keep the promises that the product makes in its name.
    /// - Parameters:
    ///   - onLostWrite: called when the disk could not make a write durable; is to end the process.
    ///   - admit: looks at a database that has been used before, ahead of any change to it, and throws to keep it as it
    ///     is.
    package init(
        path: String, migrations: [Migration], clock: Clock, limits: Limits = Limits(),
        onLostWrite: @escaping @Sendable () -> Void = {}, admit: (Connection) throws -> Void = { _ in }
    ) throws {
        try DataDirectory.createPrivateFile(path)
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        // One process owns the file and one connection writes, so a lock is only ever held for the length of a
        // checkpoint; a wait that long is normal, a longer one is a fault.
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 4
        self.limits = limits
        self.onLostWrite = onLostWrite
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            // GRDB sets NORMAL for a pool after its own preparation, so FULL has to come after opening. NORMAL may lose
            // the last commits at a power cut (https://sqlite.org/pragma.html#pragma_synchronous).
            try pool.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA synchronous = FULL")
                // What is deleted, such as a hash or a sealed copy, is overwritten in the pages that are written anyway
                // (https://sqlite.org/pragma.html#pragma_secure_delete).
                _ = try String.fetchOne($0, sql: "PRAGMA secure_delete = FAST")
                _ = try Int.fetchOne($0, sql: "PRAGMA wal_autocheckpoint = 0")
            }
            try Self.checkPromises(pool)
            try Migration.bringUpToDate(pool, migrations, now: clock.now(), admit: admit)
            // A process that is killed again and again before its first checkpoint would let the log grow for ever.
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.passive) }
            engine = pool
        } catch let error as DatabaseError {
            throw DatabaseFailure(error)
        }
    }

    /// Opens a database that may be in use by another process, to read it and nothing else.
    /// - Parameter migrations: what its schema must have; `nil` for a file of whatever release.
    package init(reading path: String, migrations: [Migration]?) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        limits = Limits()
        onLostWrite = {}
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            if let migrations { try queue.read { try Migration.checkUpToDate(Connection($0), migrations) } }
            engine = queue
        } catch let error as DatabaseError {
            throw DatabaseFailure(error)
        }
    }

    /// Runs `body` on a read-only snapshot of the last commit.
    package func read<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        try enter(reads, limits.depth)
        defer { reads.subtract(1, ordering: .relaxed) }
        let entered = ContinuousClock.now
        return try await withCheckedThrowingContinuation { continuation in
            engine.asyncRead { [limits] access in
                continuation.resume(
                    with: Result {
                        let database = try access.get()
                        guard ContinuousClock.now - entered <= limits.wait else { throw DatabaseFailure.overloaded }
                        return try body(Connection(database))
                    }.mapError(DatabaseFailure.translate))
            }
        }
    }

    /// Runs `body` in one transaction on the only writing connection. When the answer comes back, the transaction is
    /// on disk; when `body` or the commit throws, nothing of it is.
    @discardableResult
    package func write<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        try enter(writes, limits.writes)
        defer { writes.subtract(1, ordering: .relaxed) }
        let entered = ContinuousClock.now
        return try await withCheckedThrowingContinuation { continuation in
            write { [limits] connection in
                guard ContinuousClock.now - entered <= limits.wait else { throw DatabaseFailure.overloaded }
                return try body(connection)
            } done: {
                continuation.resume(with: $0)
            }
        }
    }

    /// The same for who must not wait for a task's turn: `done` is called on the writer's own queue as soon as the
    /// transaction is over. It must not block. Not counted and never refused: for a caller that has a bounded queue of
    /// its own and asks for one turn at a time.
    package func write<T: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> T,
        done: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        engine.asyncWrite { database in
            try body(Connection(database))
        } completion: { [weak self] database, result in
            let result = result.mapError(DatabaseFailure.translate)
            if case .failure(let failure as DatabaseFailure) = result { self?.look(at: failure) }
            done(result)
            if case .success = result { self?.checkpointIfDue(database) }
        }
    }

    private func look(at failure: DatabaseFailure) { if failure.isLostWrite { onLostWrite() } }

    static func isCheckpointDue(_ changes: Int, since last: Int) -> Bool {
        changes < last || changes - last >= checkpointAfter
    }

    /// Takes the log over into the file as far as readers let it, which waits for nobody. On the writer's own queue.
    private func checkpointIfDue(_ database: GRDB.Database) {
        let changes = database.totalChangesCount
        guard Self.isCheckpointDue(changes, since: checkpointed.load(ordering: .relaxed)) else { return }
        checkpointed.store(changes, ordering: .relaxed)
        do {
            try database.checkpoint(.passive)
        } catch let error as DatabaseError {
            // Anything but a lost write leaves the log as it was, for the next checkpoint.
            look(at: DatabaseFailure(error))
        } catch {}
    }

    /// Takes the whole log over into the file, so that the file by itself is all there is. Only where nobody else has it
    /// open: it waits for readers.
    package func foldLog() throws {
        do {
            try engine.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        } catch let error as DatabaseError {
            throw DatabaseFailure(error)
        }
    }

    /// Reads and writes that are under way or wait, of those who may be refused, and how many of each there may be.
    package var load: (reads: Int, writes: Int, limits: Limits) {
        (reads.load(ordering: .relaxed), writes.load(ordering: .relaxed), limits)
    }

    /// Ends all connections after the work under way. What the log holds is read at the next start.
    package func close() throws { try engine.close() }

    private func enter(_ counter: borrowing Atomic<Int>, _ depth: Int) throws(DatabaseFailure) {
        if counter.add(1, ordering: .relaxed).newValue > depth {
            counter.subtract(1, ordering: .relaxed)
            throw .overloaded
        }
    }

    /// Asks the engine itself, rather than trusting what was set.
    private static func checkPromises(_ pool: DatabasePool) throws {
        let (version, synchronous, journal, foreignKeys) = try pool.writeWithoutTransaction { database in
            (
                try String.fetchOne(database, sql: "SELECT sqlite_version()") ?? "",
                try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                try Int.fetchOne(database, sql: "PRAGMA foreign_keys")
            )
        }
        let numbers = version.split(separator: ".").compactMap { Int($0) }
        guard numbers.lexicographicallyPrecedes([3, 40]) == false else {
            throw DatabaseFailure.unsafe("SQLite \(version) is too old; 3.40 or later is needed")
        }
        guard synchronous == 2 else { throw DatabaseFailure.unsafe("the engine refused synchronous=FULL") }
        guard journal == "wal" else { throw DatabaseFailure.unsafe("the engine refused write-ahead logging") }
        guard foreignKeys == 1 else { throw DatabaseFailure.unsafe("the engine refused foreign keys") }
    }
}
