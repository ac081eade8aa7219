import Accounts
package import Database
import Policy
import Secrets

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
    ]
}

/// The SQL of `credentials`.
enum CredentialTable {
    private static let columns =
        """
        id, user_id, account_id, application_id, key_id, name, expires_at, limited_amount, monthly_limit, group_name,
        created_at, updated_at
        """
    private static let isLive = "deleted_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"

    static func insert(
        _ credential: Credential, _ key: TokenID, _ phc: PHCString, _ connection: Connection
    ) throws {
        try connection.run(
            """
            INSERT INTO credentials
              (id, account_id, application_id, user_id, key_id, phc, name, expires_at, limited_amount, monthly_limit,
               group_name, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            """, credential.id, credential.account, credential.application, credential.creator, key.text, phc.text,
            credential.name, credential.terms.expiresAt, credential.terms.creditLimit, credential.terms.monthlyLimit,
            credential.terms.group, credential.createdAt, credential.updatedAt)
    }

    static func update(_ credential: Credential, _ connection: Connection) throws -> TokenID? {
        try connection.row(
            """
            UPDATE credentials SET name = $3, expires_at = $4, limited_amount = $5, monthly_limit = $6, group_name = $7,
              updated_at = $8
            WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL RETURNING key_id
            """, credential.id, credential.account, credential.name, credential.terms.expiresAt,
            credential.terms.creditLimit, credential.terms.monthlyLimit, credential.terms.group, credential.updatedAt
        ).map(key)
    }

    /// What a key may use at most; `nil` when there is no such live key.
    static func limits(
        of credential: Identifier, account: Identifier, _ connection: Connection
    ) throws -> (key: Credits?, month: Credits?)? {
        try connection.row(
            """
            SELECT limited_amount, monthly_limit FROM credentials
            WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL
            """, credential, account
        ).map { (try $0.optionalCredits("limited_amount"), try $0.optionalCredits("monthly_limit")) }
    }

    /// Keys that hold a slot: neither deleted nor expired.
    static func countLive(of account: Identifier, _ now: Timestamp, _ connection: Connection) throws -> Int {
        let row = try connection.row(
            "SELECT count(*) AS live FROM credentials WHERE account_id = $1 AND \(isLive)", account, now)
        return Int(try row?.integer("live") ?? 0)
    }

    /// Keys of an app that deleting it would end: expired ones too, which a new expiry could bring back.
    static func count(of account: Identifier, application: Identifier, _ connection: Connection) throws -> Int {
        let row = try connection.row(
            """
            SELECT count(*) AS kept FROM credentials
            WHERE account_id = $1 AND application_id = $2 AND deleted_at IS NULL
            """, account, application)
        return Int(try row?.integer("kept") ?? 0)
    }

    static func page(
        of account: Identifier, application: Identifier?, _ page: Page, _ format: TokenFormat, _ connection: Connection
    ) throws -> [Credential] {
        try connection.rows(
            """
            SELECT \(columns) FROM credentials
            WHERE account_id = $1 AND id < $2 AND deleted_at IS NULL AND ($3 = '' OR application_id = $3)
            ORDER BY id DESC LIMIT $4
            """, account, page.bound, application?.description ?? "", page.fetch
        ).map { try credential($0, format) }
    }

    static func find(
        _ id: Identifier, of account: Identifier, _ format: TokenFormat, _ connection: Connection
    ) throws -> Credential? {
        try connection.row(
            "SELECT \(columns) FROM credentials WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL", id, account
        ).map { try credential($0, format) }
    }

    /// The live key of a public key id. This look-up alone has no account: the id came out of a token with a right tag,
    /// and the account is what it is to find.
    static func record(_ key: TokenID, _ connection: Connection) throws -> KeyRecord? {
        try connection.row(
            """
            SELECT id, account_id, application_id, phc, expires_at, group_name FROM credentials
            WHERE key_id = $1 AND deleted_at IS NULL
            """, key.text
        ).map { row in
            KeyRecord(
                credential: try row.identifier("id"), account: try row.identifier("account_id"),
                facts: KeyFacts(
                    application: try row.identifier("application_id"), expiresAt: try row.optionalTime("expires_at")),
                group: try row.optionalText("group_name"), phc: try row.phc("phc"))
        }
    }

    static func delete(
        _ id: Identifier, of account: Identifier, _ now: Timestamp, _ connection: Connection
    ) throws -> TokenID? {
        try connection.row(
            """
            UPDATE credentials SET deleted_at = $3, updated_at = $3, phc = NULL
            WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL RETURNING key_id
            """, id, account, now
        ).map(key)
    }

    static func deleteAll(
        of account: Identifier, application: Identifier, _ now: Timestamp, _ connection: Connection
    ) throws -> [TokenID] {
        try connection.rows(
            """
            UPDATE credentials SET deleted_at = $3, updated_at = $3, phc = NULL
            WHERE application_id = $1 AND account_id = $2 AND deleted_at IS NULL RETURNING key_id
            """, application, account, now
        ).map(key)
    }

    private static func key(_ row: Row) throws -> TokenID {
        guard let key = TokenID(try row.text("key_id")) else { throw DatabaseFailure.malformedRow(column: "key_id") }
        return key
    }

    private static func credential(_ row: Row, _ format: TokenFormat) throws -> Credential {
        Credential(
            id: try row.identifier("id"), creator: try row.identifier("user_id"),
            account: try row.identifier("account_id"), application: try row.identifier("application_id"),
            name: try row.text("name"), hint: format.hint(forID: try key(row)),
            terms: KeyTerms(
                expiresAt: try row.optionalTime("expires_at"), creditLimit: try row.optionalCredits("limited_amount"),
                monthlyLimit: try row.optionalCredits("monthly_limit"), group: try row.optionalText("group_name")),
            createdAt: try row.time("created_at"), updatedAt: try row.time("updated_at"))
    }
}

/// The SQL of `credential_days`: how many keys an account has created on the last day it created any. A counter of its
/// own rather than a count of rows, so that nothing that happens to a key gives a creation back.
enum CredentialDayTable {
    /// How many were created on this day, and which day that is.
    static func created(
        by account: Identifier, day: Int64, _ connection: Connection
    ) throws -> (count: Int, day: Int64) {
        let row = try connection.row("SELECT day, created FROM credential_days WHERE account_id = $1", account)
        // A clock that steps back over midnight stays in the later day; it opens no second one.
        guard let row, try row.integer("day") >= day else { return (0, day) }
        return (Int(try row.integer("created")), try row.integer("day"))
    }

    static func countCreation(of account: Identifier, day: Int64, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO credential_days (account_id, day, created) VALUES ($1, $2, 1)
            ON CONFLICT (account_id) DO UPDATE SET
              created = CASE WHEN credential_days.day >= excluded.day THEN credential_days.created + 1 ELSE 1 END,
              day = CASE WHEN credential_days.day >= excluded.day THEN credential_days.day ELSE excluded.day END
            """, account, day)
    }
}
