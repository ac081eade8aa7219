package import Database
import Policy

extension Metering {
    /// The tables of this room.
    ///
    /// The ledger is only added to. Its one secondary index is the rule that a hold is settled once. The totals beside it
    /// are caches, and their constraints are invariant 4 as the schema says it; `posted <= granted - held` rather than a
    /// sum, which could pass the largest integer and turn into a float (https://sqlite.org/datatype3.html).
    package static let migrations = [
        Migration(
            "metering-1",
            [
                """
                CREATE TABLE ledger (
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  id TEXT NOT NULL,
                  kind TEXT NOT NULL CHECK (kind IN ('grant', 'adjustment', 'hold', 'charge', 'void')),
                  amount BIGINT NOT NULL CHECK (amount >= 0 OR kind = 'adjustment'),
                  hold_id TEXT,
                  credential_id TEXT,
                  application_id TEXT,
                  model TEXT,
                  price_id TEXT,
                  multiplier_id TEXT,
                  reason TEXT,
                  actor_id TEXT,
                  created_at BIGINT NOT NULL,
                  PRIMARY KEY (account_id, id),
                  CHECK ((kind IN ('charge', 'void')) = (hold_id IS NOT NULL)),
                  CHECK ((kind = 'hold') = (price_id IS NOT NULL))
                )
                """,
                "CREATE UNIQUE INDEX ledger_settlements ON ledger (hold_id) WHERE hold_id IS NOT NULL",
                """
                CREATE TABLE holds (
                  id TEXT PRIMARY KEY,
                  account_id TEXT NOT NULL
                )
                """,
                """
                CREATE TABLE balances (
                  account_id TEXT PRIMARY KEY REFERENCES accounts (id),
                  granted BIGINT NOT NULL CHECK (granted >= 0),
                  posted BIGINT NOT NULL CHECK (posted >= 0),
                  held BIGINT NOT NULL CHECK (held >= 0),
                  CHECK (posted <= granted - held)
                )
                """,
                """
                CREATE TABLE credential_usage (
                  credential_id TEXT PRIMARY KEY REFERENCES credentials (id),
                  account_id TEXT NOT NULL,
                  posted BIGINT NOT NULL CHECK (posted >= 0),
                  held BIGINT NOT NULL CHECK (held >= 0)
                )
                """,
                """
                CREATE TABLE credential_months (
                  credential_id TEXT NOT NULL REFERENCES credentials (id),
                  month BIGINT NOT NULL,
                  posted BIGINT NOT NULL CHECK (posted >= 0),
                  held BIGINT NOT NULL CHECK (held >= 0),
                  PRIMARY KEY (credential_id, month)
                )
                """,
                """
                CREATE TABLE usage_days (
                  account_id TEXT NOT NULL,
                  day BIGINT NOT NULL,
                  credential_id TEXT NOT NULL,
                  application_id TEXT NOT NULL,
                  model TEXT NOT NULL,
                  price_id TEXT NOT NULL,
                  multiplier_id TEXT NOT NULL,
                  calls BIGINT NOT NULL CHECK (calls > 0),
                  amount BIGINT NOT NULL CHECK (amount >= 0),
                  PRIMARY KEY (account_id, day, credential_id, application_id, model, price_id, multiplier_id)
                )
                """,
                "CREATE INDEX usage_days_by_multiplier ON usage_days (multiplier_id, day)",
                """
                CREATE TABLE idempotent_calls (
                  credential_id TEXT NOT NULL,
                  key_digest TEXT NOT NULL,
                  body_digest TEXT NOT NULL,
                  hold_id TEXT NOT NULL,
                  is_settled BIGINT NOT NULL CHECK (is_settled IN (0, 1)),
                  answer TEXT,
                  created_at BIGINT NOT NULL,
                  PRIMARY KEY (credential_id, key_digest)
                )
                """,
                "CREATE INDEX idempotent_calls_by_age ON idempotent_calls (created_at)",
            ])
    ]
}

/// The SQL of `ledger`.
enum LedgerTable {
    /// A grant or an adjustment.
    static func insert(_ entry: LedgerEntry, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO ledger (account_id, id, kind, amount, reason, actor_id, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """, entry.account, entry.id, entry.kind.rawValue, entry.amount, entry.reason, entry.actor, entry.createdAt)
    }

    static func insert(_ hold: Hold, _ connection: Connection) throws {
        let call = hold.call
        try connection.run(
            """
            INSERT INTO ledger
              (account_id, id, kind, amount, credential_id, application_id, model, price_id, multiplier_id, created_at)
            VALUES ($1, $2, 'hold', $3, $4, $5, $6, $7, $8, $9)
            """, call.account, hold.id, call.cost, call.credential, call.application, call.model, call.price,
            call.multiplier, call.time)
    }

    /// The end of a hold, as a charge or a void. What the call was stands in the hold.
    static func settle(
        _ hold: Hold, as kind: LedgerEntry.Kind, _ id: Identifier, _ now: Timestamp, _ connection: Connection
    ) throws {
        try connection.run(
            """
            INSERT INTO ledger (account_id, id, kind, amount, hold_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)
            """, hold.call.account, id, kind.rawValue, hold.cost, hold.id, now)
    }
}

/// The SQL of `holds`: which entries of the ledger are not settled yet. A table of its own, because at a start they have
/// to be found among millions that are.
enum HoldTable {
    static func insert(_ hold: Hold, _ connection: Connection) throws {
        try connection.run("INSERT INTO holds (id, account_id) VALUES ($1, $2)", hold.id, hold.call.account)
    }

    /// Whether the hold was open.
    static func delete(_ id: Identifier, _ connection: Connection) throws -> Bool {
        try connection.run("DELETE FROM holds WHERE id = $1", id) == 1
    }

    /// Every open hold, as its entry tells of it.
    static func all(_ connection: Connection) throws -> [Hold] {
        try connection.rows(
            """
            SELECT ledger.* FROM holds JOIN ledger ON ledger.account_id = holds.account_id AND ledger.id = holds.id
            """
        ).map { row in
            Hold(
                id: try row.identifier("id"),
                call: MeteredCall(
                    account: try row.identifier("account_id"), credential: try row.identifier("credential_id"),
                    application: try row.identifier("application_id"), model: try row.text("model"),
                    cost: try row.credits("amount"), price: try row.identifier("price_id"),
                    multiplier: try row.identifier("multiplier_id"), time: try row.time("created_at"),
                    idempotency: nil), remaining: .zero)
        }
    }
}

/// The SQL of `balances`.
enum BalanceTable {
    static func balance(of account: Identifier, _ connection: Connection) throws -> Balance {
        let row = try connection.row("SELECT granted, posted, held FROM balances WHERE account_id = $1", account)
        guard let row else { return Balance() }
        return Balance(granted: try row.credits("granted"), usage: try row.usage())
    }

    static func store(_ balance: Balance, of account: Identifier, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO balances (account_id, granted, posted, held) VALUES ($1, $2, $3, $4)
            ON CONFLICT (account_id) DO UPDATE SET
              granted = excluded.granted, posted = excluded.posted, held = excluded.held
            """, account, balance.granted, balance.usage.posted, balance.usage.held)
    }
}

/// The SQL of `credential_usage`.
enum KeyUsageTable {
    static func usage(of credential: Identifier, _ connection: Connection) throws -> Usage {
        try connection.row("SELECT posted, held FROM credential_usage WHERE credential_id = $1", credential)?.usage()
            ?? Usage()
    }

    static func store(
        _ usage: Usage, of credential: Identifier, account: Identifier, _ connection: Connection
    ) throws {
        try connection.run(
            """
            INSERT INTO credential_usage (credential_id, account_id, posted, held) VALUES ($1, $2, $3, $4)
            ON CONFLICT (credential_id) DO UPDATE SET posted = excluded.posted, held = excluded.held
            """, credential, account, usage.posted, usage.held)
    }
}

/// The SQL of `credential_months`.
enum KeyMonthTable {
    static func usage(of credential: Identifier, _ month: Month, _ connection: Connection) throws -> Usage {
        try connection.row(
            "SELECT posted, held FROM credential_months WHERE credential_id = $1 AND month = $2", credential,
            month.number
        )?.usage() ?? Usage()
    }

    static func store(
        _ usage: Usage, of credential: Identifier, _ month: Month, _ connection: Connection
    ) throws {
        try connection.run(
            """
            INSERT INTO credential_months (credential_id, month, posted, held) VALUES ($1, $2, $3, $4)
            ON CONFLICT (credential_id, month) DO UPDATE SET posted = excluded.posted, held = excluded.held
            """, credential, month.number, usage.posted, usage.held)
    }
}

extension Row {
    fileprivate func usage() throws -> Usage { Usage(posted: try credits("posted"), held: try credits("held")) }
}
