import Accounts
import Applications
package import Audit
import Catalog
import Database
package import Values

/// The end of keys.
extension Credentials {
    /// Ends a key for ever. When this returns, the next call with it is refused.
    package func delete(_ id: Identifier, of account: Identifier, by author: Author) async throws {
        let now = clock.now()
        let credential = try await database.write { connection in
            let credential = try find(id, of: account, now, connection)
            try Self.delete(credential, author, now, connection)
            return credential
        }
        forgetDeleted(credential)
    }

    static func delete(
        _ credential: Credential, _ author: Author, _ now: Timestamp, _ connection: Connection
    ) throws {
        try CredentialTable.delete(credential, now, connection)
        try author.record(
            .credentialDelete, account: credential.account, object: credential.id.description, at: now,
            in: connection)
    }

    /// Deletes an app and, if that was confirmed, its keys with it, in one transaction.
    package func deleteApplication(
        _ id: Identifier, of account: Identifier, andCredentials isConfirmed: Bool, by author: Author
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
            for credential in credentials { try Self.delete(credential, author, now, connection) }
            try applications.remove(id, of: account, by: author, in: connection)
            return credentials
        }
        credentials.forEach(forgetDeleted)
        applications.forget(id, of: account)
    }
}
