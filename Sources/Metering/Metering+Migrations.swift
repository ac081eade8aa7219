package import Database

extension Metering {
    /// The tables of this room.
    ///
    /// The record is the grants and adjustments in `ledger`, and the log of `charges`. Both are only added to. The kinds of
    /// the ledger will grow, so the schema holds no list of them; it says that nothing but a correction takes away.
    ///
    /// A charge is four small integers behind its place in the log, because there are millions: what it is for is a number
    /// of `charge_subjects`, and its time is in its id, to the millisecond, with the rest in microseconds beside it. The
    /// index by account is filled by the fold, which brings neighbours together; one that grew with each commit would
    /// write a page for each charge of it.
    ///
    /// All other totals are what the fold has summed up to `fold.position`, and their constraints are invariant 4 as the
    /// schema says it. What is held is in memory alone.
    ///
    /// `INTEGER PRIMARY KEY` is the place of a row in its table for SQLite, which costs nothing
    /// (https://sqlite.org/lang_createtable.html#rowid).
    package static let migrations = [
        Migration(
            "metering-1",
            [
                """
                CREATE TABLE ledger (
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  id BIGINT NOT NULL,
                  kind TEXT NOT NULL,
                  amount BIGINT NOT NULL,
                  reason TEXT,
                  actor_id TEXT,
                  created_at BIGINT NOT NULL,
                  PRIMARY KEY (account_id, id),
                  CHECK (amount >= 0 OR kind = 'adjustment')
                )
                """,
                """
                CREATE TABLE charge_subjects (
                  id INTEGER PRIMARY KEY,
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  credential_id TEXT NOT NULL REFERENCES credentials (id),
                  application_id TEXT NOT NULL,
                  model TEXT NOT NULL,
                  price_id TEXT NOT NULL,
                  multiplier_id TEXT NOT NULL,
                  UNIQUE (credential_id, model, price_id, multiplier_id, application_id, account_id)
                )
                """,
                """
                CREATE TABLE charges (
                  n INTEGER PRIMARY KEY,
                  id BIGINT NOT NULL,
                  subject BIGINT NOT NULL REFERENCES charge_subjects (id),
                  amount BIGINT NOT NULL CHECK (amount >= 0),
                  time_offset BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE charge_index (
                  account BIGINT NOT NULL,
                  id BIGINT NOT NULL,
                  n BIGINT NOT NULL,
                  PRIMARY KEY (account, id)
                ) WITHOUT ROWID
                """,
                """
                CREATE TABLE fold (
                  only BIGINT PRIMARY KEY CHECK (only = 1),
                  position BIGINT NOT NULL,
                  number BIGINT NOT NULL,
                  ahead BIGINT NOT NULL CHECK (ahead >= 0)
                )
                """,
                "INSERT INTO fold (only, position, number, ahead) VALUES (1, 0, 0, 0)",
                """
                CREATE TABLE balances (
                  number INTEGER PRIMARY KEY,
                  account_id TEXT NOT NULL UNIQUE REFERENCES accounts (id),
                  granted BIGINT NOT NULL CHECK (granted >= 0),
                  posted BIGINT NOT NULL CHECK (posted >= 0),
                  CHECK (posted <= granted)
                )
                """,
                """
                CREATE TABLE credential_usage (
                  credential_id TEXT PRIMARY KEY REFERENCES credentials (id),
                  posted BIGINT NOT NULL CHECK (posted >= 0)
                )
                """,
                """
                CREATE TABLE credential_months (
                  credential_id TEXT NOT NULL REFERENCES credentials (id),
                  month BIGINT NOT NULL,
                  posted BIGINT NOT NULL CHECK (posted >= 0),
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
                CREATE TABLE refused_calls (
                  account_id TEXT NOT NULL,
                  day BIGINT NOT NULL,
                  credential_id TEXT NOT NULL,
                  code TEXT NOT NULL,
                  calls BIGINT NOT NULL CHECK (calls > 0),
                  PRIMARY KEY (account_id, day, credential_id, code)
                )
                """,
                "CREATE INDEX refused_calls_by_key ON refused_calls (credential_id, day)",
                """
                CREATE TABLE idempotent_calls (
                  credential_id TEXT NOT NULL,
                  key_digest TEXT NOT NULL,
                  body_digest TEXT NOT NULL,
                  charge BIGINT NOT NULL,
                  answer_bytes BIGINT NOT NULL,
                  created_at BIGINT NOT NULL,
                  answer TEXT,
                  PRIMARY KEY (credential_id, key_digest)
                )
                """,
                """
                CREATE TABLE kept_answers (
                  credential_id TEXT PRIMARY KEY,
                  bytes BIGINT NOT NULL CHECK (bytes >= 0)
                )
                """,
                "CREATE INDEX idempotent_calls_by_age ON idempotent_calls (created_at)",
            ])
    ]
}
