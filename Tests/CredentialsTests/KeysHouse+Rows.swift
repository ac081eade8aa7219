import Credentials
import Database
import TestSupport
import Values

/// Keys as rows, without a hash for each.
extension KeysHouse {
    /// What a list can tell of a key.
    struct KeyRow {
        var id: Identifier
        var application: Identifier
        var name = ""
        /// 12 characters.
        var secret: String
        var labels: [String] = []
        var environment: String?
        var usedAt: Timestamp?
        var expiresAt: Timestamp?
        var isDisabled = false
        var isDeleted = false
        var createdAt: Timestamp
    }

    /// Puts keys into an account, as copies of a model.
    func insert(_ rows: [KeyRow], as model: Credential) async throws {
        try await database.write { connection in
            for row in rows {
                try connection.run(
                    """
                    INSERT INTO credentials
                      (id, account_id, application_id, user_id, name, secret_id, phc, secret_created_at, last_used_at,
                       used_at, expires_at, labels, environment, disabled_at, revealable, created_at, updated_at,
                       deleted_at)
                    SELECT $1, account_id, $2, user_id, $3, $4, CASE WHEN $5 = 1 THEN NULL ELSE phc END, $6, $7, $7, $8,
                      $9, $10, CASE WHEN $11 = 1 THEN $6 END, revealable, $6, $6, CASE WHEN $5 = 1 THEN $6 END
                    FROM credentials WHERE id = $12
                    """, row.id, row.application, row.name, row.secret, row.isDeleted, row.createdAt, row.usedAt,
                    row.expiresAt, row.labels.joined(separator: " "), row.environment, row.isDisabled, model.id)
            }
        }
    }

    /// Puts many expired keys into an account, a second apart up to now, of which each third was used, as copies of a model.
    func insert(_ count: Int, as model: Credential) async throws {
        let now = hand.now
        try await database.write { connection in
            try connection.run(
                """
                INSERT INTO credentials
                  (id, account_id, application_id, user_id, name, secret_id, phc, secret_created_at, used_at, expires_at,
                   labels, revealable, created_at, updated_at)
                WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1)
                SELECT substr(id, 1, 24) || substr('000000000000' || n, -12), account_id, application_id, user_id,
                  'Key ' || (n * 7919 % $1), substr('000000000000' || n, -12), phc, $2 - n * 1000000,
                  CASE WHEN n % 3 = 0 THEN $2 - n * 1000000 END, $2 - n * 7919 % $1, '', revealable, $2 - n * 1000000,
                  $2 - n * 1000000
                FROM numbers JOIN credentials ON credentials.id = $3
                """, count, now, model.id)
        }
    }
}
