import Accounts
import Database
import Policy
import Secrets
import Values

/// The SQL of `credentials`, with the retiring secret of each beside it.
enum CredentialTable {
    static let columns =
        """
        credentials.id, credentials.user_id, credentials.account_id, credentials.application_id, credentials.secret_id,
        credentials.name, credentials.labels, credentials.environment, credentials.expires_at, credentials.limited_amount, credentials.monthly_limit,
        credentials.group_name, credentials.models, credentials.addresses, credentials.host, credentials.disabled_at,
        credentials.secret_created_at, credentials.last_used_at, credentials.used_at, credentials.revealable,
        (SELECT count(*) FROM sealed_copies WHERE credential_id = credentials.id) AS copies, credentials.reveals,
        credentials.revealed_at, credentials.leak_reported_at, credentials.created_at, credentials.updated_at,
        retiring_secrets.secret_id AS old_secret_id, retiring_secrets.created_at AS old_created_at,
        retiring_secrets.last_used_at AS old_last_used_at, retiring_secrets.ends_at AS old_ends_at
        """
    static let tables =
        "credentials LEFT JOIN retiring_secrets ON retiring_secrets.credential_id = credentials.id"

    static func insert(
        _ credential: Credential, _ phc: PHCString, isRevealable: Bool, _ connection: Connection
    ) throws {
        let terms = credential.terms
        try connection.run(
            """
            INSERT INTO credentials
              (id, account_id, application_id, user_id, secret_id, phc, name, expires_at, limited_amount, monthly_limit,
               group_name, models, addresses, host, revealable, secret_created_at, created_at, updated_at, labels,
               environment)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, $18, $19)
            """, credential.id, credential.account, credential.application, credential.creator,
            credential.secret.id.text, phc.text, credential.name, terms.expiresAt, terms.creditLimit,
            terms.monthlyLimit, terms.group, terms.models?.joined(separator: " "),
            terms.addresses?.map(\.text).joined(separator: " "), terms.host?.text, isRevealable, credential.createdAt,
            credential.updatedAt, credential.labels.joined(separator: " "), credential.environment)
    }

    static func update(_ credential: Credential, _ connection: Connection) throws {
        let terms = credential.terms
        try connection.run(
            """
            UPDATE credentials SET name = $3, expires_at = $4, limited_amount = $5, monthly_limit = $6, group_name = $7,
              models = $8, addresses = $9, host = $10, updated_at = $11,
              disabled_at = CASE WHEN $12 = 1 THEN NULL ELSE coalesce(disabled_at, $11) END, leak_reported_at = $13,
              labels = $14, environment = $15, used_at = $16
            WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL
            """, credential.id, credential.account, credential.name, terms.expiresAt, terms.creditLimit,
            terms.monthlyLimit, terms.group, terms.models?.joined(separator: " "),
            terms.addresses?.map(\.text).joined(separator: " "), terms.host?.text, credential.updatedAt,
            credential.isEnabled, credential.leakReportedAt, credential.labels.joined(separator: " "),
            credential.environment, credential.lastUsedAt)
    }

    static func setSecret(
        _ secret: KeySecret, _ phc: PHCString, of credential: Credential, _ connection: Connection
    ) throws {
        try connection.run(
            """
            UPDATE credentials SET secret_id = $3, phc = $4, secret_created_at = $5, last_used_at = NULL
            WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL
            """, credential.id, credential.account, secret.id.text, phc.text, secret.createdAt)
    }

    static func countReveal(of credential: Credential, _ now: Timestamp, _ connection: Connection) throws {
        try connection.run(
            "UPDATE credentials SET reveals = reveals + 1, revealed_at = $3 WHERE id = $1 AND account_id = $2",
            credential.id, credential.account, now)
    }

    /// None of an account's keys can be shown again.
    static func forbidReveals(in account: Identifier, _ connection: Connection) throws {
        try connection.run(
            "UPDATE credentials SET revealable = 0 WHERE account_id = $1 AND deleted_at IS NULL", account)
    }

    /// Keys that hold a slot: neither deleted nor expired.
    static func countLive(of account: Identifier, _ now: Timestamp, _ connection: Connection) throws -> Int {
        let row = try connection.row(
            """
            SELECT count(*) AS live FROM credentials
            WHERE account_id = $1 AND deleted_at IS NULL AND expiry_order > $2
            """, account, now)
        return Int(try row?.integer("live") ?? 0)
    }

    static let inGroup = """
        SELECT count(*) AS number FROM
          (SELECT 1 FROM credentials WHERE group_name = $1 AND deleted_at IS NULL LIMIT $2) AS some
        """

    /// How many keys of all accounts name this group themselves, up to `limit`.
    static func count(in group: String, atMost limit: Int, _ connection: Connection) throws -> Int {
        Int(try connection.row(inGroup, group, limit)?.integer("number") ?? 0)
    }

    static func find(
        _ id: Identifier, of account: Identifier, _ now: Timestamp, _ format: TokenFormat, _ connection: Connection
    ) throws -> Credential? {
        try connection.row(
            """
            SELECT \(columns) FROM \(tables)
            WHERE credentials.id = $1 AND credentials.account_id = $2 AND credentials.deleted_at IS NULL
            """, id, account
        ).map { try credential($0, now, format) }
    }

    /// The live key that a secret of this public id opens. This look-up alone has no account: the id came out of a token
    /// with a right tag, and the account is what it is to find.
    static func record(_ secretID: TokenID, _ connection: Connection) throws -> KeyRecord? {
        let terms = "expires_at, limited_amount, monthly_limit, group_name, models, addresses, host, disabled_at"
        let current = try connection.row(
            """
            SELECT id, account_id, application_id, phc, \(terms), NULL AS ends_at FROM credentials
            WHERE secret_id = $1 AND deleted_at IS NULL
            """, secretID.text)
        let row =
            try current
            ?? connection.row(
                """
                SELECT id, account_id, application_id, retiring_secrets.phc AS phc, \(terms), ends_at
                FROM retiring_secrets JOIN credentials ON credentials.id = retiring_secrets.credential_id
                WHERE retiring_secrets.secret_id = $1 AND deleted_at IS NULL
                """, secretID.text)
        guard let row else { return nil }
        return KeyRecord(
            credential: try row.identifier("id"), account: try row.identifier("account_id"),
            facts: KeyFacts(
                application: try row.identifier("application_id"),
                isDisabled: try row.optionalTime("disabled_at") != nil,
                terms: KeyTerms(
                    expiresAt: try row.optionalTime("expires_at"),
                    creditLimit: try row.optionalCredits("limited_amount"),
                    monthlyLimit: try row.optionalCredits("monthly_limit"), group: try row.optionalText("group_name"),
                    models: try row.words("models"), addresses: try row.addresses("addresses"),
                    host: try row.host("host"))),
            phc: try row.phc("phc"), endsAt: try row.optionalTime("ends_at"), secretID: secretID)
    }

    /// The hash of the current secret.
    static func phc(of credential: Credential, _ connection: Connection) throws -> PHCString? {
        try connection.row(
            "SELECT phc FROM credentials WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL", credential.id,
            credential.account
        ).map { try $0.phc("phc") }
    }

    static func delete(_ credential: Credential, _ now: Timestamp, _ connection: Connection) throws {
        try connection.run(
            """
            UPDATE credentials SET deleted_at = $3, updated_at = $3, phc = NULL
            WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL
            """, credential.id, credential.account, now)
        try RetiringSecretTable.delete(of: credential.id, connection)
        try SealedCopyTable.delete(of: credential.id, connection)
    }

    static func all(
        of account: Identifier, application: Identifier? = nil, _ now: Timestamp, _ format: TokenFormat,
        _ connection: Connection
    ) throws -> [Credential] {
        try connection.rows(
            """
            SELECT \(columns) FROM \(tables)
            WHERE credentials.account_id = $1 AND ($2 = '' OR credentials.application_id = $2)
              AND credentials.deleted_at IS NULL
            """, account, application?.description ?? ""
        ).map { try credential($0, now, format) }
    }

    /// Of the current secret of a key, and so of the key. The later one stays, unless it is of a clock that was ahead.
    static func noteUse(of secret: TokenID, _ time: Timestamp, _ connection: Connection) throws {
        try connection.run(
            """
            UPDATE credentials SET last_used_at = $2,
              used_at = CASE WHEN used_at > $2 AND used_at <= $3 THEN used_at ELSE $2 END
            WHERE secret_id = $1 AND (last_used_at IS NULL OR last_used_at < $2 OR last_used_at > $3)
            """, secret.text, time, time.adding(Timestamp.slack))
    }

    /// Of a key by its retiring secret.
    static func noteUse(of id: Identifier, _ time: Timestamp, _ connection: Connection) throws {
        try connection.run(
            """
            UPDATE credentials SET used_at = $2
            WHERE id = $1 AND deleted_at IS NULL AND (used_at IS NULL OR used_at < $2 OR used_at > $3)
            """, id, time, time.adding(Timestamp.slack))
    }

    static func credential(_ row: Row, _ now: Timestamp, _ format: TokenFormat) throws -> Credential {
        let secretID = try row.tokenID("secret_id")
        let reveal: Credential.Reveal =
            if try !row.flag("revealable") { .showOnce } else if try row.flag("copies") { .available } else { .lost }
        let since = try row.time("secret_created_at")
        let retiring = try retiring(row, now, format)
        // A leak matters for as long as a secret works that was there when it was reported, and whenever that can't be
        // known, as the secret is of a clock that was ahead.
        let leak = try row.optionalTime("leak_reported_at").flatMap {
            $0 >= since || since > now || retiring != nil ? $0 : nil
        }
        return Credential(
            id: try row.identifier("id"), creator: try row.identifier("user_id"),
            account: try row.identifier("account_id"), application: try row.identifier("application_id"),
            name: try row.text("name"),
            terms: KeyTerms(
                expiresAt: try row.optionalTime("expires_at"), creditLimit: try row.optionalCredits("limited_amount"),
                monthlyLimit: try row.optionalCredits("monthly_limit"), group: try row.optionalText("group_name"),
                models: try row.words("models"), addresses: try row.addresses("addresses"),
                host: try row.host("host")),
            labels: try row.words("labels") ?? [], environment: try row.optionalText("environment"),
            isEnabled: try row.optionalTime("disabled_at") == nil,
            secret: KeySecret(
                id: secretID, hint: format.hint(forID: secretID), createdAt: since,
                lastUsedAt: try row.optionalTime("last_used_at"), endsAt: nil),
            retiring: retiring, lastUsedAt: try row.optionalTime("used_at"),
            reveal: reveal, reveals: try row.integer("reveals"),
            revealedAt: try row.optionalTime("revealed_at"),
            leakReportedAt: leak, createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at"))
    }

    private static func retiring(_ row: Row, _ now: Timestamp, _ format: TokenFormat) throws -> KeySecret? {
        guard let ends = try row.optionalTime("old_ends_at"), !RetiringSecretTable.isOver(ends, at: now) else {
            return nil
        }
        let secretID = try row.tokenID("old_secret_id")
        return KeySecret(
            id: secretID, hint: format.hint(forID: secretID), createdAt: try row.time("old_created_at"),
            lastUsedAt: try row.optionalTime("old_last_used_at"), endsAt: ends)
    }
}
