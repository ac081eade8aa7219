import Accounts
import Applications
import Audit
import Catalog
import Database
package import Values

/// What an account may know of its keys.
extension Credentials {
    /// A run of an account's keys. It may have fewer than `limit`, even none, and go on all the same.
    ///
    /// By last use, the keys are as they are written down, so that they show what they are ordered by.
    /// - Parameters:
    ///   - start: behind which it begins; `nil` for the beginning of the list.
    ///   - limit: how many keys at most, from 1.
    ///   - now: at which a key has expired or has not.
    package func list(
        of account: Identifier, _ filter: KeyFilter = KeyFilter(), by sort: KeySort = .standard,
        after start: KeyPosition? = nil, atMost limit: Int = Page.standardLimit, at now: Timestamp? = nil
    ) async throws -> KeyRun {
        let now = now ?? clock.now()
        let query = KeyRunQuery(account: account, filter: filter, sort: sort, format: format)
        let run = try await database.read { try query.run(after: start, atMost: limit, now, $0) }
        return sort.field == .lastUse ? run : KeyRun(items: run.items.map(withLatestUse), next: run.next)
    }

    /// How many keys of an account hold a slot, and how many it has created on this UTC day.
    package func slots(of account: Identifier) async throws -> (live: Int, createdToday: Int) {
        let now = clock.now()
        return try await database.read { connection in
            (
                try CredentialTable.countLive(of: account, now, connection),
                try CredentialDayTable.counts(of: account, day: now.day, connection).created
            )
        }
    }

    /// How many keys of the whole deployment name each of these groups themselves: for its operators.
    /// - Parameter limit: up to which they are counted.
    package func counts(in groups: [String], atMost limit: Int) async throws -> [String: Int] {
        try await database.read { connection in
            var counts: [String: Int] = [:]
            for group in groups { counts[group] = try CredentialTable.count(in: group, atMost: limit, connection) }
            return counts
        }
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
        let uses = [credential.lastUsedAt, credential.secret.lastUsedAt, credential.retiring?.lastUsedAt]
            .compactMap(\.self)
        // One of a clock that was ahead is one only where there is no other.
        let now = clock.now()
        credential.lastUsedAt = uses.filter { $0.hasBeen(at: now) }.max() ?? uses.max()
        return credential
    }

    private func latestUse(of secret: KeySecret) -> Timestamp? {
        uses.latest(of: secret.id, stored: secret.lastUsedAt)
    }
}
