import Database
import Policy
import Values

/// The SQL of `ledger`: grants and adjustments. (Charges are in the log.)
enum LedgerTable {
    /// By how many microseconds the number of an entry is ahead of its time: below one, unless the clock stepped back.
    static let ahead = "((ledger.id >> \(Identifier.serialBits)) * 1000 - ledger.created_at)"

    static func insert(_ entry: LedgerEntry, _ number: Int64, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO ledger (account_id, id, kind, amount, reason, actor_id, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """, entry.account, number, entry.kind.rawValue, entry.amount, entry.reason, entry.actor, entry.createdAt)
        try FoldTable.note(number, ahead: -EntryIDs.offset(of: number, at: entry.createdAt), connection)
    }
}

/// The SQL of `balances`. An account has a small number here, for the index of its charges.
enum BalanceTable {
    /// Without what is held, and without charges that are not folded.
    static func balance(of account: Identifier, _ connection: Connection) throws -> Balance {
        let row = try connection.row("SELECT granted, posted FROM balances WHERE account_id = $1", account)
        guard let row else { return Balance() }
        return Balance(granted: try row.credits("granted"), usage: Usage(posted: try row.credits("posted")))
    }

    /// (Never an upsert: the schema would look at the row that is put in before it looks at the one that is there.)
    static func grant(_ amount: Credits, to account: Identifier, _ connection: Connection) throws {
        let changed = try connection.run(
            "UPDATE balances SET granted = granted + $2 WHERE account_id = $1", account, amount)
        if changed == 0 {
            try connection.run(
                "INSERT INTO balances (account_id, granted, posted) VALUES ($1, $2, 0)", account, amount)
        }
    }

    /// - Returns: the account's number.
    static func post(_ amount: Credits, to account: Identifier, _ connection: Connection) throws -> Int64 {
        let row =
            try connection.row(
                "UPDATE balances SET posted = posted + $2 WHERE account_id = $1 RETURNING number", account, amount)
            ?? connection.row(
                "INSERT INTO balances (account_id, granted, posted) VALUES ($1, 0, $2) RETURNING number", account,
                amount)
        guard let row else { throw DatabaseFailure.malformedRow(column: "number") }
        return try row.integer("number")
    }

    static func number(of account: Identifier, _ connection: Connection) throws -> Int64? {
        try connection.row("SELECT number FROM balances WHERE account_id = $1", account)?.integer("number")
    }
}

/// The SQL of `credential_usage`.
enum KeyUsageTable {
    static func usage(of credential: Identifier, _ connection: Connection) throws -> Usage {
        let row = try connection.row("SELECT posted FROM credential_usage WHERE credential_id = $1", credential)
        return Usage(posted: try row?.credits("posted") ?? .zero)
    }

    static func post(_ amount: Credits, to credential: Identifier, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO credential_usage (credential_id, posted) VALUES ($1, $2)
            ON CONFLICT (credential_id) DO UPDATE SET posted = credential_usage.posted + excluded.posted
            """, credential, amount)
    }
}

/// The SQL of `credential_months`.
enum KeyMonthTable {
    static func usage(of credential: Identifier, _ month: Month, _ connection: Connection) throws -> Usage {
        let row = try connection.row(
            "SELECT posted FROM credential_months WHERE credential_id = $1 AND month = $2", credential, month.number)
        return Usage(posted: try row?.credits("posted") ?? .zero)
    }

    static func post(_ amount: Credits, to credential: Identifier, _ month: Month, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO credential_months (credential_id, month, posted) VALUES ($1, $2, $3)
            ON CONFLICT (credential_id, month) DO UPDATE SET posted = credential_months.posted + excluded.posted
            """, credential, month.number, amount)
    }
}
