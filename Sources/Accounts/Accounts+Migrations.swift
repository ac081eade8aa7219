package import Database

extension Accounts {
    /// The tables of this room.
    package static let migrations = [
        Migration(
            "accounts-1",
            [
                """
                CREATE TABLE accounts (
                  id TEXT PRIMARY KEY,
                  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
                  credential_cap BIGINT NOT NULL CHECK (credential_cap BETWEEN 3 AND 10),
                  created_at BIGINT NOT NULL,
                  updated_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE users (
                  id TEXT PRIMARY KEY,
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  email TEXT NOT NULL UNIQUE CHECK (email = lower(email)),
                  password_phc TEXT NOT NULL,
                  is_admin BIGINT NOT NULL CHECK (is_admin IN (0, 1)),
                  created_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE invitations (
                  id TEXT PRIMARY KEY,
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  email TEXT NOT NULL UNIQUE,
                  digest TEXT NOT NULL UNIQUE,
                  expires_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE sessions (
                  id TEXT PRIMARY KEY,
                  digest TEXT NOT NULL UNIQUE,
                  user_id TEXT NOT NULL REFERENCES users (id),
                  created_at BIGINT NOT NULL,
                  last_seen_at BIGINT NOT NULL,
                  expires_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE platform_tokens (
                  id TEXT PRIMARY KEY,
                  user_id TEXT NOT NULL REFERENCES users (id),
                  key_id TEXT NOT NULL UNIQUE,
                  phc TEXT NOT NULL,
                  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
                  scopes TEXT NOT NULL,
                  expires_at BIGINT,
                  created_at BIGINT NOT NULL
                )
                """,
                "CREATE INDEX platform_tokens_by_user ON platform_tokens (user_id)",
            ]),
        Migration(
            "accounts-2",
            [
                "ALTER TABLE accounts ADD COLUMN suspended_at BIGINT",
                "ALTER TABLE accounts ADD COLUMN default_group TEXT REFERENCES pricing_groups (name)",
                "UPDATE accounts SET default_group = 'standard'",
                """
                CREATE TABLE account_groups (
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  group_name TEXT NOT NULL REFERENCES pricing_groups (name),
                  PRIMARY KEY (account_id, group_name)
                )
                """,
            ]),
        Migration(
            "accounts-3",
            [
                "ALTER TABLE accounts ADD COLUMN revealable_keys BIGINT NOT NULL DEFAULT 1",
                "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'root' CHECK (role IN ('root', 'member'))",
                "ALTER TABLE users ADD COLUMN removed_at BIGINT",
                "ALTER TABLE users ADD COLUMN totp_secret TEXT",
                "ALTER TABLE users ADD COLUMN totp_draft TEXT",
                "ALTER TABLE users ADD COLUMN totp_step BIGINT",
                "CREATE INDEX users_by_account ON users (account_id, id)",
                "ALTER TABLE sessions ADD COLUMN authenticated_at BIGINT NOT NULL DEFAULT 0",
                "CREATE INDEX sessions_by_user ON sessions (user_id, id)",
                "CREATE INDEX sessions_by_end ON sessions (expires_at)",
                "CREATE INDEX sessions_by_use ON sessions (last_seen_at)",
                """
                CREATE TABLE reveal_keys (
                  id TEXT PRIMARY KEY,
                  user_id TEXT NOT NULL UNIQUE REFERENCES users (id),
                  public_key TEXT NOT NULL,
                  private_key TEXT NOT NULL
                )
                """,
                // An address may be invited into several accounts, none of which is to know of the others.
                """
                CREATE TABLE account_invitations (
                  id TEXT PRIMARY KEY,
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  email TEXT NOT NULL,
                  role TEXT NOT NULL CHECK (role IN ('root', 'member')),
                  invited_by TEXT REFERENCES users (id),
                  digest TEXT NOT NULL UNIQUE,
                  expires_at BIGINT NOT NULL,
                  UNIQUE (account_id, email)
                )
                """,
                """
                INSERT INTO account_invitations (id, account_id, email, role, digest, expires_at)
                SELECT id, account_id, email, 'root', digest, expires_at FROM invitations
                """,
                "DROP TABLE invitations",
                "ALTER TABLE account_invitations RENAME TO invitations",
                """
                CREATE TABLE recovery_codes (
                  digest TEXT PRIMARY KEY,
                  user_id TEXT NOT NULL REFERENCES users (id)
                )
                """,
                "CREATE INDEX recovery_codes_by_user ON recovery_codes (user_id)",
                """
                CREATE TABLE password_resets (
                  id TEXT PRIMARY KEY,
                  user_id TEXT NOT NULL UNIQUE REFERENCES users (id),
                  digest TEXT NOT NULL UNIQUE,
                  expires_at BIGINT NOT NULL
                )
                """,
            ]),
        Migration("accounts-4", ["ALTER TABLE accounts ADD COLUMN closed_at BIGINT"]),
    ]
}
