import Database
import Policy
import Values

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
            """, call.account, hold.id, call.cost, call.credential, call.subject.application, call.subject.model,
            call.subject.priceVersion, call.subject.multiplierVersion, call.time)
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
                    try CallSubject(row), cost: try row.credits("amount"), time: try row.time("created_at"),
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

    static func store(_ usage: Usage, of credential: Identifier, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO credential_usage (credential_id, posted, held) VALUES ($1, $2, $3)
            ON CONFLICT (credential_id) DO UPDATE SET posted = excluded.posted, held = excluded.held
            """, credential, usage.posted, usage.held)
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
