import Accounts
import Applications
import Audit
import Catalog
package import Database
package import Values

/// What an account may know of its keys.
extension Credentials {
    package func list(
        of account: Identifier, application: Identifier?, _ page: Page
    ) async throws -> Listing<Credential> {
        let now = clock.now()
        let listing = try await database.read { [format] connection in
            let found = try CredentialTable.page(
                of: account, application: application, page, now, format, connection)
            return Listing(found, page, id: \.id)
        }
        return Listing(listing.items.map(withLatestUse), next: listing.next)
    }

    package func find(_ id: Identifier, of account: Identifier) async throws -> Credential {
        let now = clock.now()
        return withLatestUse(
            try await database.read { try find(id, of: account, now, $0) })
    }

    func find(
        _ id: Identifier, of account: Identifier, _ now: Timestamp, _ connection: Connection
    ) throws -> Credential {
        guard let found = try CredentialTable.find(id, of: account, now, format, connection) else {
            throw CredentialsError.notFound
        }
        return found
    }

    /// With the uses that are not written down yet.
    func withLatestUse(_ credential: Credential) -> Credential {
        var credential = credential
        credential.secret.lastUsedAt = latestUse(of: credential.secret)
        if let old = credential.retiring { credential.retiring?.lastUsedAt = latestUse(of: old) }
        return credential
    }

    private func latestUse(of secret: KeySecret) -> Timestamp? {
        uses.latest(of: secret.id, stored: secret.lastUsedAt)
    }
}
