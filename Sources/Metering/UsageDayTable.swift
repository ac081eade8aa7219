import Database
import Values

/// The SQL of `usage_days`: what was charged, by everything that reports ask for. One row holds a day's calls of one key
/// with one model at one price, so that a report over millions of charges reads a few rows.
enum UsageDayTable {
    struct Line: Hashable {
        let day: Day
        let subject: CallSubject
    }

    static func add(_ calls: Int64, _ amount: Credits, to row: Line, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO usage_days
              (account_id, day, credential_id, application_id, model, price_id, multiplier_id, calls, amount)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (account_id, day, credential_id, application_id, model, price_id, multiplier_id)
            DO UPDATE SET calls = usage_days.calls + excluded.calls, amount = usage_days.amount + excluded.amount
            """, row.subject.account, row.day.number, row.subject.credential, row.subject.application,
            row.subject.model, row.subject.priceVersion, row.subject.multiplierVersion, calls, amount)
    }
}
