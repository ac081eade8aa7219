package import Database

extension Credentials {
    /// The tables of this room. A deleted key keeps its row, for the history that names it, and loses its hash.
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
                  CHECK ((deleted_at IS NULL) = (phc IS NOT NULL))
                )
                """,
                "CREATE INDEX credentials_by_account ON credentials (account_id, id)",
                "CREATE INDEX credentials_by_application ON credentials (application_id, id)",
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
