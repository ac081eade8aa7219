package import Database
package import Secrets
package import Values

/// Which keys the data was made with, and so whether its record has begun.
///
/// The first start writes both down in one transaction: the keys' fingerprint, which tells nothing about them, and the
/// first entry of the chain. Whoever doesn't have the keys can take neither back unseen.
extension Audit {
    /// The data was made with other keys.
    package struct OtherKeys: Error, Sendable {
        package init() {}
    }

    /// To be called at every start: begins the record of new data.
    package static func begin(
        with keys: DeploymentSecrets, by author: Author, at now: Timestamp, in connection: Connection
    ) throws {
        if try fingerprint(connection) != nil { return }
        try author.record(.auditBegin, account: nil, object: nil, at: now, in: connection)
        try connection.run("INSERT INTO deployment (one, keys_fingerprint) VALUES (1, $1)", keys.fingerprint)
    }

    /// Whether the record has begun with these keys; `false` for data that is about to be made.
    /// - Throws: ``OtherKeys``.
    package static func hasBegun(with keys: DeploymentSecrets, in connection: Connection) throws -> Bool {
        guard let stored = try fingerprint(connection) else { return false }
        guard stored == keys.fingerprint else { throw OtherKeys() }
        return true
    }

    private static func fingerprint(_ connection: Connection) throws -> String? {
        try connection.row("SELECT keys_fingerprint FROM deployment")?.text("keys_fingerprint")
    }
}
