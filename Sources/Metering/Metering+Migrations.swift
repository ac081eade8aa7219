package import Database

extension Metering {
    /// The tables of this room.
    ///
    /// The ledger is only added to. Its kinds will grow, so the schema holds no list of them; it says what holds for any
    /// kind: an entry opens a call or ends one, never both, and nothing but a correction takes away. Its one secondary
    /// index is the rule that a hold is settled once. The totals beside it
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
                  kind TEXT NOT NULL,
                  amount BIGINT NOT NULL,
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
                  CHECK (hold_id IS NULL OR price_id IS NULL),
                  CHECK (amount >= 0 OR kind = 'adjustment')
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
