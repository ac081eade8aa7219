import Database
import Values

/// The SQL of `usage_days`: what was charged, by everything that reports ask for. One row holds a day's calls of one key
/// with one model at one price, so that a report over millions of charges reads a few rows.
enum UsageDayTable {
    struct Line: Hashable {
        let account: Identifier
        let day: Day
        let credential: Identifier
        let application: Identifier
        let model: String
        let price: Identifier
        let multiplier: Identifier

        init(
            account: Identifier, day: Day, credential: Identifier, application: Identifier, model: String,
            price: Identifier, multiplier: Identifier
        ) {
            self.account = account
            self.day = day
            self.credential = credential
            self.application = application
            self.model = model
            self.price = price
            self.multiplier = multiplier
        }

        init(_ call: MeteredCall) {
            self.init(
                account: call.account, day: call.day, credential: call.credential, application: call.application,
                model: call.model, price: call.price, multiplier: call.multiplier)
        }
    }

    static func add(_ calls: Int64, _ amount: Credits, to row: Line, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO usage_days
              (account_id, day, credential_id, application_id, model, price_id, multiplier_id, calls, amount)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (account_id, day, credential_id, application_id, model, price_id, multiplier_id)
            DO UPDATE SET calls = usage_days.calls + excluded.calls, amount = usage_days.amount + excluded.amount
            """, row.account, row.day.number, row.credential, row.application, row.model, row.price, row.multiplier,
            calls, amount)
    }
}
