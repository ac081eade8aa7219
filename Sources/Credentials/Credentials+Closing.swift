package import Accounts
import Applications
package import Audit
import Database
package import Values

/// The end of an account, with all that works in it.
extension Credentials {
    /// Closes an account for good, in one transaction: keys and apps are deleted, people are taken out and their
    /// addresses free, the account is suspended. Its ledger and its records stay. When this returns, the next call with
    /// any of its keys is refused. To close a closed account changes nothing.
    /// - Parameters:
    ///   - isConfirmed: whether it may go with the keys and people that it has.
    ///   - actor: who wants it.
    package func closeAccount(
        _ id: Identifier, confirmed isConfirmed: Bool, for actor: User, by author: Author
    ) async throws {
        let now = clock.now()
        let (keys, apps) = try await database.write { connection -> ([Credential], [Identifier]) in
            let closing = try Accounts.closing(id, for: actor, in: connection)
            if closing.isClosed { return ([], []) }
            let keys = try CredentialTable.all(of: id, now, format, connection)
            guard isConfirmed || (keys.isEmpty && closing.users == 0) else {
                throw CredentialsError.closingUnconfirmed(keys: keys.count, users: closing.users)
            }
            let apps = try Applications.all(of: id, in: connection)
            for key in keys { try Self.delete(key, author, now, connection) }
            for app in apps { try applications.remove(app, of: id, by: author, in: connection) }
            try Accounts.close(id, by: author, at: now, in: connection)
            return (keys, apps)
        }
        keys.forEach(forgetDeleted)
        for app in apps { applications.forget(app, of: id) }
        accounts.forget(id)
    }
}
