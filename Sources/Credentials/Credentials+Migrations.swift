package import Database

extension Credentials {
    /// The tables of this room. A deleted key keeps its row, for the history that names it, and loses its hash.
    ///
    /// Lists run along one of the indexes of `credentials`, none of which has deleted keys. What may be absent has a place in
    /// the order all the same, in a column of its own: no engine begins in the middle of an index of expressions.
    package static let migrations = [
        Migration(
            "credentials-1",
            [
                """
                CREATE TABLE credentials (
                  id TEXT PRIMARY KEY,
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  application_id TEXT NOT NULL REFERENCES applications (id),
                  user_id TEXT NOT NULL REFERENCES users (id),
                  name TEXT NOT NULL CHECK (length(name) <= 100),
                  secret_id TEXT NOT NULL UNIQUE,
                  phc TEXT,
                  secret_created_at BIGINT NOT NULL,
                  last_used_at BIGINT,
                  used_at BIGINT,
                  expires_at BIGINT,
                  limited_amount BIGINT CHECK (limited_amount >= 0),
                  monthly_limit BIGINT CHECK (monthly_limit >= 0),
                  group_name TEXT REFERENCES pricing_groups (name),
                  models TEXT,
                  addresses TEXT,
                  host TEXT,
                  labels TEXT NOT NULL,
                  environment TEXT,
                  disabled_at BIGINT,
                  revealable BIGINT NOT NULL CHECK (revealable IN (0, 1)),
                  reveals BIGINT NOT NULL DEFAULT 0,
                  revealed_at BIGINT,
                  leak_reported_at BIGINT,
                  created_at BIGINT NOT NULL,
                  updated_at BIGINT NOT NULL,
                  deleted_at BIGINT,
                  name_order TEXT NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
                  use_order BIGINT NOT NULL GENERATED ALWAYS AS (coalesce(used_at, -9223372036854775807)) STORED,
                  expiry_order BIGINT NOT NULL GENERATED ALWAYS AS (coalesce(expires_at, 9223372036854775807)) STORED,
                  CHECK ((deleted_at IS NULL) = (phc IS NOT NULL))
                )
                """,
                """
                CREATE INDEX credentials_by_creation ON credentials (account_id, created_at, id) WHERE deleted_at IS NULL
                """,
                """
                CREATE INDEX credentials_by_application ON credentials (account_id, application_id, created_at, id)
                WHERE deleted_at IS NULL
                """,
                """
                CREATE INDEX credentials_by_name ON credentials (account_id, name_order, id) WHERE deleted_at IS NULL
                """,
                """
                CREATE INDEX credentials_by_use ON credentials (account_id, use_order, id) WHERE deleted_at IS NULL
                """,
                """
                CREATE INDEX credentials_by_expiry ON credentials (account_id, expiry_order, id) WHERE deleted_at IS NULL
                """,
                """
                CREATE INDEX credentials_by_group ON credentials (group_name)
                WHERE group_name IS NOT NULL AND deleted_at IS NULL
                """,
                """
                CREATE TABLE retiring_secrets (
                  credential_id TEXT PRIMARY KEY REFERENCES credentials (id),
                  secret_id TEXT NOT NULL UNIQUE,
                  phc TEXT NOT NULL,
                  created_at BIGINT NOT NULL,
                  last_used_at BIGINT,
                  ends_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE sealed_copies (
                  credential_id TEXT NOT NULL REFERENCES credentials (id),
                  reveal_key_id TEXT NOT NULL REFERENCES reveal_keys (id) ON DELETE CASCADE,
                  sealed TEXT NOT NULL,
                  PRIMARY KEY (credential_id, reveal_key_id)
                )
                """,
                "CREATE INDEX sealed_copies_by_key ON sealed_copies (reveal_key_id)",
                """
                CREATE TABLE credential_days (
                  account_id TEXT PRIMARY KEY REFERENCES accounts (id),
                  day BIGINT NOT NULL,
                  created BIGINT NOT NULL CHECK (created BETWEEN 0 AND 10),
                  rotated BIGINT NOT NULL CHECK (rotated BETWEEN 0 AND 20)
                )
                """,
            ])
    ]
}
