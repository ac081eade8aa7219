import Database
import Secrets
package import Values

/// What a user's password makes: the hash of it, and the pair of keys that it locks.
struct PasswordLock: Sendable {
    let phc: PHCString
    let key: Identifier
    /// Sealed, so that nobody who can only write to the database can put a key of their own in its place and have the
    /// copies to come sealed to that.
    let publicKey: String
    let privateKey: LockedRevealPair
}

/// A root user's public key, still sealed: what copies of an account's keys are made for.
package struct RootKey: Sendable {
    package let id: Identifier
    package let user: Identifier
    let sealed: String
}

/// The SQL of `reveal_keys`: at most one for each user. What the floors above seal to one refers to it and goes with
/// it, so that nothing stays behind that nobody can, or may, open any more.
enum RevealPairTable {
    /// Keeps a new pair, or the one that there is under a new lock. A pair that somebody else has stored meanwhile
    /// stays.
    static func store(_ lock: PasswordLock, of user: Identifier, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO reveal_keys (id, user_id, public_key, private_key) VALUES ($1, $2, $3, $4)
            ON CONFLICT (user_id) DO UPDATE SET private_key = excluded.private_key WHERE reveal_keys.id = excluded.id
            """, lock.key, user, lock.publicKey, lock.privateKey.text)
    }

    static func delete(of user: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM reveal_keys WHERE user_id = $1", user)
    }

    /// Those of an account's root users.
    static func all(of account: Identifier, _ connection: Connection) throws -> [RootKey] {
        try connection.rows(
            """
            SELECT reveal_keys.id, reveal_keys.user_id, reveal_keys.public_key
            FROM reveal_keys JOIN users ON users.id = reveal_keys.user_id
            WHERE users.account_id = $1 AND users.role = 'root' AND users.removed_at IS NULL
            """, account
        ).map {
            RootKey(
                id: try $0.identifier("id"), user: try $0.identifier("user_id"), sealed: try $0.text("public_key"))
        }
    }
}
