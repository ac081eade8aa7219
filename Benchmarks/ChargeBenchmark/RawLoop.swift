import Foundation
import GRDBSQLite

/// What SQLite itself can do on the same tables: batches of charges, one row each, prepared once, bound and stepped by its
/// C interface in one thread; and now and then the fold of them, as sums and an index by account. Nothing is decided and
/// nobody answered.
final class RawLoop {
    private var database: OpaquePointer?
    private var statements: [OpaquePointer?] = []
    private var random: UInt64 = 1
    private var serial: Int64 = 1 << 60
    private var position: Int64 = 0
    private var unfolded: [(account: Int64, id: Int64, n: Int64)] = []

    struct Failure: Error {
        let code: Int32
    }

    private enum Step: Int, CaseIterable {
        case begin, commit, charge, file, balance, key, month, day, mark, row

        var sql: String {
            switch self {
            case .begin: "BEGIN IMMEDIATE"
            case .commit: "COMMIT"
            case .charge: "INSERT INTO charges (id, subject, amount, time_offset) VALUES (?, ?, ?, ?)"
            case .file: "INSERT INTO charge_index (account, id, n) VALUES (?, ?, ?)"
            case .balance: "UPDATE balances SET posted = posted + ? WHERE account_id = ?"
            case .key, .month, .day:
                "INSERT INTO \(self)s (posted, id) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET posted = posted + excluded.posted"
            case .mark: "UPDATE fold SET position = ?"
            case .row: "INSERT INTO commits (n) VALUES (?)"
            }
        }
    }

    init(_ path: String) throws {
        try check(sqlite3_open(path, &database))
        for sql in [
            "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON",
            "CREATE TABLE charge_subjects (id INTEGER PRIMARY KEY)",
            """
            CREATE TABLE charges (n INTEGER PRIMARY KEY, id BIGINT NOT NULL,
              subject BIGINT NOT NULL REFERENCES charge_subjects (id), amount BIGINT NOT NULL CHECK (amount >= 0),
              time_offset BIGINT NOT NULL)
            """,
            """
            CREATE TABLE charge_index (account BIGINT NOT NULL, id BIGINT NOT NULL, n BIGINT NOT NULL,
              PRIMARY KEY (account, id)) WITHOUT ROWID
            """,
            """
            CREATE TABLE balances (account_id TEXT PRIMARY KEY, granted BIGINT NOT NULL, posted BIGINT NOT NULL,
              CHECK (posted <= granted))
            """,
            "CREATE TABLE keys (id TEXT PRIMARY KEY, posted BIGINT NOT NULL)",
            "CREATE TABLE months (id TEXT PRIMARY KEY, posted BIGINT NOT NULL)",
            "CREATE TABLE days (id TEXT PRIMARY KEY, posted BIGINT NOT NULL)",
            "CREATE TABLE fold (position BIGINT NOT NULL)", "INSERT INTO fold VALUES (0)",
            "CREATE TABLE commits (n BIGINT NOT NULL)",
        ] { try check(sqlite3_exec(database, sql, nil, nil, nil)) }
        for step in Step.allCases {
            var statement: OpaquePointer?
            try check(sqlite3_prepare_v2(database, step.sql, -1, &statement, nil))
            statements.append(statement)
        }
    }

    deinit {
        for statement in statements { sqlite3_finalize(statement) }
        sqlite3_close(database)
    }

    private static func name(_ account: Int64) -> String {
        let digits = String(account)
        return "01a1ff00-7631-7e12-9291-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// Rows of so many accounts, each with one key.
    func prepare(accounts: Int64) throws {
        try run(.begin)
        for account in 0..<accounts {
            try check(
                sqlite3_exec(database, "INSERT OR IGNORE INTO charge_subjects VALUES (\(account))", nil, nil, nil))
            try check(
                sqlite3_exec(
                    database, "INSERT OR IGNORE INTO balances VALUES ('\(Self.name(account))', \(Int64.max), 0)", nil,
                    nil, nil))
        }
        try run(.commit)
    }

    func chargesPerSecond(accounts: Int64, batch: Int, seconds: Double) throws -> Double {
        try prepare(accounts: accounts)
        let began = ContinuousClock.now
        let end = began + .seconds(seconds)
        var folded = began
        var charged = 0
        while ContinuousClock.now < end {
            try run(.begin)
            for _ in 0..<batch { try charge(accounts) }
            try run(.commit)
            charged += batch
            if ContinuousClock.now - folded > .seconds(1) || unfolded.count > 16_384 {
                try fold()
                folded = .now
            }
        }
        try fold()
        return Double(charged) / ((ContinuousClock.now - began) / .seconds(1))
    }

    private func charge(_ accounts: Int64) throws {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let account = Int64(random >> 33) % accounts
        serial += 1
        position += 1
        try run(.charge, .integer(serial), .integer(account), .integer(20_000_000), .integer(500))
        unfolded.append((account, serial, position))
    }

    private func fold() throws {
        try run(.begin)
        for entry in unfolded.sorted(by: { ($0.account, $0.id) < ($1.account, $1.id) }) {
            try run(.file, .integer(entry.account), .integer(entry.id), .integer(entry.n))
        }
        for account in Set(unfolded.map(\.account)) {
            for step in [Step.balance, .key, .month, .day] { try run(step, .integer(1), .text(Self.name(account))) }
        }
        try run(.mark, .integer(position))
        try run(.commit)
        unfolded = []
    }

    /// Microseconds that a transaction of one row takes, each.
    func commitTimes(_ count: Int) throws -> [Double] {
        try (0..<count).map { number in
            let began = ContinuousClock.now
            try run(.begin)
            try run(.row, .integer(Int64(number)))
            try run(.commit)
            return (ContinuousClock.now - began) / .microseconds(1)
        }
    }

    private enum Value {
        case text(String)
        case integer(Int64)
    }

    private func run(_ step: Step, _ values: Value...) throws {
        let statement = statements[step.rawValue]
        for (index, value) in values.enumerated() {
            switch value {
            case .text(let text):
                // SQLITE_TRANSIENT: SQLite takes a copy.
                try check(
                    sqlite3_bind_text(
                        statement, Int32(index + 1), text, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self)))
            case .integer(let integer): try check(sqlite3_bind_int64(statement, Int32(index + 1), integer))
            }
        }
        let code = sqlite3_step(statement)
        sqlite3_reset(statement)
        guard code == SQLITE_DONE || code == SQLITE_ROW else { throw Failure(code: code) }
    }

    private func check(_ code: Int32) throws { if code != SQLITE_OK { throw Failure(code: code) } }
}
