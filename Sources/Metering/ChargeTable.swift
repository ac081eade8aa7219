import Database
import Values

/// The SQL of `charges`: the log of all served calls, in the order in which they were charged. Only ever added to, and at
/// its end alone, so that a commit of many charges writes few pages.
enum ChargeTable {
    struct Charge {
        /// Where in the log.
        let position: Int64
        /// The number of its identifier.
        let number: Int64
        let subject: Int64
        let amount: Credits
        /// When the call was admitted.
        let time: Timestamp
    }

    /// The moment of a charge, from a row of `charges`, and the UTC day that it is in, rounded down before 1970 too, where
    /// a division rounds up.
    static let time = "((charges.id >> \(Identifier.serialBits)) * 1000 + charges.time_offset)"
    static let day = "((\(time) - (\(time) % 86400000000 + 86400000000) % 86400000000) / 86400000000)"
    /// What a filter of the ledger lets through: a key, an app, a model, and a time from one moment to before another.
    static let passes = """
        ($4 = '' OR charge_subjects.credential_id = $4) AND ($5 = '' OR charge_subjects.application_id = $5)
          AND ($6 = '' OR charge_subjects.model = $6) AND \(time) >= $7 AND \(time) < $8
        """
    /// What the totals don't have.
    static let isUnfolded = "charges.n > (SELECT position FROM fold)"

    /// Adds rows, in one transaction.
    struct Rows {
        private let statement: IntegerStatement
        private var row: [Int64] = [0, 0, 0, 0]

        init(_ connection: Connection) throws {
            statement = try connection.integerStatement(
                "INSERT INTO charges (id, subject, amount, time_offset) VALUES ($1, $2, $3, $4)")
        }

        mutating func insert(_ number: Int64, _ subject: Int64, _ amount: Credits, offset: Int64) throws {
            row[0] = number
            row[1] = subject
            row[2] = amount.micro
            row[3] = offset
            try statement.run(row)
        }
    }

    static func each(
        after position: Int64, atMost limit: Int, _ connection: Connection, _ body: (Charge) throws -> Void
    ) throws {
        try connection.eachRow(
            "SELECT n, id, subject, amount, time_offset FROM charges WHERE n > $1 ORDER BY n LIMIT $2", position, limit
        ) { row in
            try body(
                Charge(
                    position: row[0], number: row[1], subject: row[2], amount: Credits(micro: row[3]),
                    time: Timestamp(
                        microseconds: (row[1] >> Int64(Identifier.serialBits)) * 1000 + row[4])))
        }
    }

    /// How many charges are behind the one at `position`: the log has no gaps.
    static func count(after position: Int64, _ connection: Connection) throws -> Int64 {
        max(0, (try connection.row("SELECT coalesce(max(n), 0) AS n FROM charges")?.integer("n") ?? 0) - position)
    }

    static func greatestNumber(after position: Int64, _ connection: Connection) throws -> Int64 {
        try connection.row("SELECT coalesce(max(id), 0) AS id FROM charges WHERE n > $1", position)?.integer("id") ?? 0
    }
}

/// The SQL of `charge_subjects`: what charges are for. Few, so that a charge needs only a small number of it.
enum SubjectTable {
    static func number(of subject: CallSubject, _ connection: Connection) throws -> Int64 {
        let found = try connection.row(
            """
            SELECT id FROM charge_subjects WHERE credential_id = $1 AND model = $2 AND price_id = $3
              AND multiplier_id = $4 AND application_id = $5 AND account_id = $6
            """, subject.credential, subject.model, subject.priceVersion, subject.multiplierVersion,
            subject.application, subject.account)
        if let found { return try found.integer("id") }
        let row = try connection.row(
            """
            INSERT INTO charge_subjects (account_id, credential_id, application_id, model, price_id, multiplier_id)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
            """, subject.account, subject.credential, subject.application, subject.model, subject.priceVersion,
            subject.multiplierVersion)
        guard let row else { throw DatabaseFailure.malformedRow(column: "id") }
        return try row.integer("id")
    }

    static func subject(_ number: Int64, _ connection: Connection) throws -> CallSubject {
        guard let row = try connection.row("SELECT * FROM charge_subjects WHERE id = $1", number) else {
            throw DatabaseFailure.malformedRow(column: "subject")
        }
        return try CallSubject(row)
    }
}

/// The SQL of `charge_index`: the charges of each account, as far as they are folded.
enum ChargeIndexTable {
    /// - Parameter entries: in the order of the index, so that neighbours are written together.
    static func insert(_ entries: [(account: Int64, id: Int64, position: Int64)], _ connection: Connection) throws {
        let statement = try connection.integerStatement(
            "INSERT INTO charge_index (account, id, n) VALUES ($1, $2, $3)")
        for entry in entries { try statement.run([entry.account, entry.id, entry.position]) }
    }
}

/// The SQL of `fold`: how far the log is folded, one row.
enum FoldTable {
    struct Mark {
        /// The last position that is in the totals.
        var position: Int64
        /// The greatest number of any entry up to there.
        var number: Int64
        /// By how many microseconds the number of any of them was ahead of its time, at most: zero until a clock steps
        /// back. It tells where entries before a time can be.
        var ahead: Int64
    }

    static func mark(_ connection: Connection) throws -> Mark {
        guard let row = try connection.row("SELECT position, number, ahead FROM fold") else {
            throw DatabaseFailure.malformedRow(column: "position")
        }
        return Mark(
            position: try row.integer("position"), number: try row.integer("number"), ahead: try row.integer("ahead"))
    }

    static func store(_ mark: Mark, _ connection: Connection) throws {
        try connection.run(
            "UPDATE fold SET position = $1, number = $2, ahead = $3", mark.position, mark.number, mark.ahead)
    }

    /// A grant or an adjustment has this number, which is so many microseconds ahead of its time.
    static func note(_ number: Int64, ahead: Int64, _ connection: Connection) throws {
        try connection.run("UPDATE fold SET number = $1 WHERE number < $1", number)
        try connection.run("UPDATE fold SET ahead = $1 WHERE ahead < $1", ahead)
    }
}
