import Foundation
import GRDBSQLite
import Values

/// What SQLite itself can do: the statements that a batch of 256 holds and 256 charges makes, prepared once, bound and
/// stepped by its C interface in one thread, with nothing decided and nobody answered.
final class RawLoop {
    private var database: OpaquePointer?
    private var statements: [OpaquePointer?] = []
    private var serial = 0
    private static let batch = 256

    struct Failure: Error {
        let code: Int32
    }

    private enum Value {
        case text(String)
        case integer(Int)
    }

    private enum Step: Int, CaseIterable {
        case begin, commit, total, store, hold, open, close, settle, row

        var sql: String {
            switch self {
            case .begin: "BEGIN IMMEDIATE"
            case .commit: "COMMIT"
            case .total: "SELECT posted, held FROM totals WHERE id = ?"
            case .store:
                """
                INSERT INTO totals (id, posted, held) VALUES (?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET posted = excluded.posted, held = excluded.held
                """
            case .hold:
                """
                INSERT INTO ledger
                  (account_id, id, kind, amount, credential_id, application_id, model, price_id, multiplier_id, created_at)
                VALUES (?, ?, 'hold', ?, ?, ?, ?, ?, ?, ?)
                """
            case .open: "INSERT INTO holds (id, account_id) VALUES (?, ?)"
            case .close: "DELETE FROM holds WHERE id = ?"
            case .settle:
                "INSERT INTO ledger (account_id, id, kind, amount, hold_id, created_at) VALUES (?, ?, ?, ?, ?, ?)"
            case .row: "INSERT INTO commits (n) VALUES (?)"
            }
        }
    }

    init(_ path: String) throws {
        try check(sqlite3_open(path, &database))
        for sql in [
            "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
            """
            CREATE TABLE ledger (
              account_id TEXT NOT NULL, id TEXT NOT NULL,
              kind TEXT NOT NULL CHECK (kind IN ('grant', 'adjustment', 'hold', 'charge', 'void')),
              amount BIGINT NOT NULL CHECK (amount >= 0 OR kind = 'adjustment'), hold_id TEXT, credential_id TEXT,
              application_id TEXT, model TEXT, price_id TEXT, multiplier_id TEXT, reason TEXT, actor_id TEXT,
              created_at BIGINT NOT NULL, PRIMARY KEY (account_id, id),
              CHECK ((kind IN ('charge', 'void')) = (hold_id IS NOT NULL)),
              CHECK ((kind = 'hold') = (price_id IS NOT NULL)))
            """,
            "CREATE UNIQUE INDEX ledger_settlements ON ledger (hold_id) WHERE hold_id IS NOT NULL",
            "CREATE TABLE holds (id TEXT PRIMARY KEY, account_id TEXT NOT NULL)",
            "CREATE TABLE totals (id TEXT PRIMARY KEY, posted BIGINT NOT NULL, held BIGINT NOT NULL)",
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

    func chargesPerSecond(seconds: Double) throws -> Double {
        let began = ContinuousClock.now
        let end = began + .seconds(seconds)
        var open: [String] = []
        var charged = 0
        while ContinuousClock.now < end {
            try run(.begin)
            for total in ["balance", "key", "month"] { try run(.total, .text(total)) }
            let made = try (0..<Self.batch).map { _ in try hold() }
            for hold in open { try charge(hold) }
            charged += open.count
            open = made
            for total in ["balance", "key", "month", "day"] {
                try run(.store, .text(total), .integer(charged), .integer(open.count))
            }
            try run(.commit)
        }
        return Double(charged) / ((ContinuousClock.now - began) / .seconds(1))
    }

    /// Microseconds that a transaction of one row takes, each.
    func commitTimes(_ count: Int) throws -> [Double] {
        try (0..<count).map { number in
            let began = ContinuousClock.now
            try run(.begin)
            try run(.row, .integer(number))
            try run(.commit)
            return (ContinuousClock.now - began) / .microseconds(1)
        }
    }

    private static let name = "01a1ff00-7631-7e12-9291-d45c301dc979"

    private func newID() -> String {
        serial += 1
        let digits = String(serial, radix: 16)
        return Self.name.dropLast(12) + String(repeating: "0", count: 12 - digits.count) + digits
    }

    private func hold() throws -> String {
        let id = newID()
        let name = Value.text(Self.name)
        try run(
            .hold, name, .text(id), .integer(20_000_000), name, name, .text("echo"), name, name, .integer(serial))
        try run(.open, .text(id), name)
        return id
    }

    private func charge(_ hold: String) throws {
        try run(.close, .text(hold))
        try run(
            .settle, .text(Self.name), .text(newID()), .text("charge"), .integer(20_000_000), .text(hold),
            .integer(serial))
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
            case .integer(let integer):
                try check(sqlite3_bind_int64(statement, Int32(index + 1), Int64(integer)))
            }
        }
        let code = sqlite3_step(statement)
        sqlite3_reset(statement)
        guard code == SQLITE_DONE || code == SQLITE_ROW else { throw Failure(code: code) }
    }

    private func check(_ code: Int32) throws { if code != SQLITE_OK { throw Failure(code: code) } }
}
