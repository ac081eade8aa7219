package import Database

extension Accounts {
    /// The tables of this room. Roles are words that will grow, so the schema holds no list of them; who reads one that
    /// is none of ours says so.
    package static let migrations = [
        Migration(
            "accounts-1",
            [
                """
                CREATE TABLE accounts (
                  id TEXT PRIMARY KEY,
                  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
                  credential_cap BIGINT NOT NULL CHECK (credential_cap BETWEEN 3 AND 10),
                  default_group TEXT NOT NULL REFERENCES pricing_groups (name),
                  revealable_keys BIGINT NOT NULL CHECK (revealable_keys IN (0, 1)),
                  key_rotation_age_days BIGINT NOT NULL CHECK (key_rotation_age_days BETWEEN 1 AND 3650),
                  suspended_at BIGINT,
                  created_at BIGINT NOT NULL,
                  updated_at BIGINT NOT NULL,
                  closed_at BIGINT
                )
                """,
                "CREATE INDEX accounts_by_group ON accounts (default_group) WHERE closed_at IS NULL",
                """
                CREATE TABLE account_groups (
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  group_name TEXT NOT NULL REFERENCES pricing_groups (name),
                  PRIMARY KEY (account_id, group_name)
                )
                """,
                """
                CREATE TABLE users (
                  id TEXT PRIMARY KEY,
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  email TEXT NOT NULL UNIQUE CHECK (email = lower(email)),
                  role TEXT NOT NULL,
                  is_admin BIGINT NOT NULL CHECK (is_admin IN (0, 1)),
                  password_phc TEXT NOT NULL,
                  totp_secret TEXT,
                  totp_draft TEXT,
                  totp_step BIGINT,
                  created_at BIGINT NOT NULL,
                  removed_at BIGINT
                )
                """,
                "CREATE INDEX users_by_account ON users (account_id, id)",
                """
                CREATE TABLE recovery_codes (
                  digest TEXT PRIMARY KEY,
                  user_id TEXT NOT NULL REFERENCES users (id)
                )
                """,
                "CREATE INDEX recovery_codes_by_user ON recovery_codes (user_id)",
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
                CREATE TABLE invitations (
                  id TEXT PRIMARY KEY,
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  email TEXT NOT NULL,
                  role TEXT NOT NULL,
                  invited_by TEXT REFERENCES users (id),
                  digest TEXT NOT NULL UNIQUE,
                  expires_at BIGINT NOT NULL,
                  UNIQUE (account_id, email)
                )
                """,
                """
                CREATE TABLE password_resets (
                  id TEXT PRIMARY KEY,
                  user_id TEXT NOT NULL UNIQUE REFERENCES users (id),
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
                  authenticated_at BIGINT NOT NULL,
                  last_seen_at BIGINT NOT NULL,
                  expires_at BIGINT NOT NULL
                )
                """,
                "CREATE INDEX sessions_by_user ON sessions (user_id, id)",
                "CREATE INDEX sessions_by_end ON sessions (expires_at)",
                "CREATE INDEX sessions_by_use ON sessions (last_seen_at)",
                """
                CREATE TABLE platform_tokens (
                  id TEXT PRIMARY KEY,
                  user_id TEXT NOT NULL REFERENCES users (id),
                  secret_id TEXT NOT NULL UNIQUE,
                  phc TEXT NOT NULL,
                  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
                  scopes TEXT NOT NULL,
                  expires_at BIGINT,
                  created_at BIGINT NOT NULL
                )
                """,
                "CREATE INDEX platform_tokens_by_user ON platform_tokens (user_id)",
            ])
    ]
}
