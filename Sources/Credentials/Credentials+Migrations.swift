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
                  key_id TEXT NOT NULL UNIQUE,
                  phc TEXT,
                  name TEXT NOT NULL CHECK (length(name) <= 100),
                  expires_at BIGINT,
                  created_at BIGINT NOT NULL,
                  updated_at BIGINT NOT NULL,
                  deleted_at BIGINT,
                  CHECK ((deleted_at IS NULL) = (phc IS NOT NULL))
                )
                """,
                "CREATE INDEX credentials_by_account ON credentials (account_id, id)",
                "CREATE INDEX credentials_by_application ON credentials (application_id, id)",
                """
                CREATE TABLE credential_days (
                  account_id TEXT PRIMARY KEY REFERENCES accounts (id),
                  day BIGINT NOT NULL,
                  created BIGINT NOT NULL CHECK (created BETWEEN 0 AND 10)
                )
                """,
            ]),
        Migration(
            "credentials-2",
            [
                "ALTER TABLE credentials ADD COLUMN limited_amount BIGINT CHECK (limited_amount >= 0)",
                "ALTER TABLE credentials ADD COLUMN monthly_limit BIGINT CHECK (monthly_limit >= 0)",
                "ALTER TABLE credentials ADD COLUMN group_name TEXT REFERENCES pricing_groups (name)",
            ]),
        Migration(
            "credentials-3",
            [
                "ALTER TABLE credentials ADD COLUMN models TEXT",
                "ALTER TABLE credentials ADD COLUMN addresses TEXT",
                "ALTER TABLE credentials ADD COLUMN host TEXT",
                "ALTER TABLE credentials ADD COLUMN disabled_at BIGINT",
                "ALTER TABLE credentials ADD COLUMN secret_created_at BIGINT NOT NULL DEFAULT 0",
                "UPDATE credentials SET secret_created_at = created_at",
                "ALTER TABLE credentials ADD COLUMN last_used_at BIGINT",
                "ALTER TABLE credentials ADD COLUMN revealable BIGINT NOT NULL DEFAULT 0 CHECK (revealable IN (0, 1))",
                "ALTER TABLE credentials ADD COLUMN reveals BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE credentials ADD COLUMN revealed_at BIGINT",
                "ALTER TABLE credentials ADD COLUMN leak_reported_at BIGINT",
                """
                CREATE TABLE retiring_secrets (
                  credential_id TEXT PRIMARY KEY REFERENCES credentials (id),
                  key_id TEXT NOT NULL UNIQUE,
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
                ALTER TABLE credential_days
                ADD COLUMN rotated BIGINT NOT NULL DEFAULT 0 CHECK (rotated BETWEEN 0 AND 20)
                """,
            ]),
    ]
}
