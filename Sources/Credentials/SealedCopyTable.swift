import Database
import Values

/// The SQL of `sealed_copies`: a key's current secret, sealed to each root user that there was when it was made. A copy
/// goes with the pair of keys that it is sealed to.
enum SealedCopyTable {
    static func insert(_ copy: SealedCopy, of credential: Identifier, _ connection: Connection) throws {
        try connection.run(
            "INSERT INTO sealed_copies (credential_id, reveal_key_id, sealed) VALUES ($1, $2, $3)", credential,
            copy.key, copy.sealed)
    }

    static func find(
        _ credential: Identifier, sealedTo key: Identifier, _ connection: Connection
    ) throws -> String? {
        try connection.row(
            "SELECT sealed FROM sealed_copies WHERE credential_id = $1 AND reveal_key_id = $2", credential, key
        )?.text("sealed")
    }

    static func delete(of credential: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM sealed_copies WHERE credential_id = $1", credential)
    }

    static func deleteAll(of account: Identifier, _ connection: Connection) throws {
        try connection.run(
            """
            DELETE FROM sealed_copies
            WHERE credential_id IN (SELECT id FROM credentials WHERE account_id = $1 AND deleted_at IS NULL)
            """, account)
    }
}
