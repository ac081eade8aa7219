import Database
import Values

extension LedgerCheck {
    /// Every charge that is folded is filed once, under its account.
    func checkIndex(_ folded: Int64, _ connection: Connection) throws {
        let filed = try connection.row("SELECT count(*) AS n FROM charge_index")?.integer("n") ?? 0
        if filed != folded {
            throw Difference(sentence: "\(folded) charges are folded, but \(filed) are filed by account")
        }
        let wrong = try connection.row(
            """
            SELECT charges.id FROM charges
              LEFT JOIN charge_subjects ON charge_subjects.id = charges.subject
              LEFT JOIN balances ON balances.account_id = charge_subjects.account_id
              LEFT JOIN charge_index ON charge_index.account = balances.number AND charge_index.id = charges.id
            WHERE NOT (\(ChargeTable.isUnfolded)) AND (charge_index.n IS NULL OR charge_index.n <> charges.n) LIMIT 1
            """)
        if let wrong {
            throw Difference(
                sentence: "\(Self.name(ofCharge: try wrong.integer("id"))) is not filed under its account")
        }
    }

    /// No entry's number is further ahead of its time than is noted, or a ledger by time would leave it out.
    func checkAhead(_ connection: Connection) throws {
        let entry = try connection.row(
            """
            SELECT charges.id FROM charges WHERE NOT (\(ChargeTable.isUnfolded)) AND -charges.time_offset > $1
            UNION ALL SELECT ledger.id FROM ledger WHERE \(LedgerTable.ahead) > $1 LIMIT 1
            """, try FoldTable.mark(connection).ahead)
        if let entry {
            throw Difference(
                sentence:
                    "the entry of the number \(try entry.integer("id")) is further ahead of its time than is noted")
        }
    }
}
