import Accounts
import Applications
package import Audit
import Catalog
import Database
package import Policy
import Secrets

/// The end of keys.
extension Credentials {
    /// Ends a key for ever. When this returns, the next call with it is refused.
    package func delete(_ id: Identifier, of account: Identifier, by origin: Origin) async throws {
        let now = clock.now()
        let credential = try await database.write { connection in
            let credential = try find(id, of: account, now, connection)
            try Self.delete(credential, origin, now, connection)
            return credential
        }
        forget(credential)
    }

    private static func delete(
        _ credential: Credential, _ origin: Origin, _ now: Timestamp, _ connection: Connection
    ) throws {
        try CredentialTable.delete(credential, now, connection)
        try origin.record(
            .credentialDelete, account: credential.account, object: credential.id.description, at: now,
            in: connection)
    }

    /// Deletes an app and, if that was confirmed, its keys with it, in one transaction.
    package func deleteApplication(
        _ id: Identifier, of account: Identifier, andCredentials isConfirmed: Bool, by origin: Origin
    ) async throws {
        let now = clock.now()
        let credentials = try await database.write { connection in
            guard try Applications.application(id, of: account, in: connection) != nil else {
                throw ApplicationsError.notFound
            }
            let credentials = try CredentialTable.all(of: account, application: id, now, format, connection)
            if !credentials.isEmpty, !isConfirmed {
                throw CredentialsError.confirmationRequired(keys: credentials.count)
            }
            for credential in credentials { try Self.delete(credential, origin, now, connection) }
            try applications.remove(id, of: account, by: origin, in: connection)
            return credentials
        }
        credentials.forEach(forget)
        applications.forget(id)
    }
}
