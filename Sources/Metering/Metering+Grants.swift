import Accounts
package import Audit
import Database
package import Values

/// Changes of what was granted. They pass through the purse: what is taken away is taken there before the commit, and what
/// is given is given after it, so no call spends what is not on disk, or what is about to go.
extension Metering {
    /// Gives credits to an account.
    package func grant(
        _ amount: Credits, to account: Identifier, reason: OptionalName, by author: Author
    ) async throws -> LedgerEntry {
        try await change(account, by: amount, kind: .grant, reason: reason.text, author)
    }

    /// Corrects a balance, up or down, with a reason. What is spent or held can't be taken away.
    package func adjust(
        _ account: Identifier, by amount: Credits, reason: DisplayName, by author: Author
    ) async throws -> LedgerEntry {
        try await change(account, by: amount, kind: .adjustment, reason: reason.text, author)
    }

    private func change(
        _ account: Identifier, by amount: Credits, kind: LedgerEntry.Kind, reason: String, _ author: Author
    ) async throws -> LedgerEntry {
        try await loading.whileLoaded(account) {
            try purses.begin(amount, of: account)
            do {
                let entry = try await write(amount, to: account, kind, reason, author)
                purses.end(amount, of: account, isCommitted: true)
                return entry
            } catch {
                purses.end(amount, of: account, isCommitted: false)
                throw error
            }
        }
    }

    private func write(
        _ amount: Credits, to account: Identifier, _ kind: LedgerEntry.Kind, _ reason: String, _ author: Author
    ) async throws -> LedgerEntry {
        let now = clock.now()
        return try await database.write { [ids] connection in
            guard try Accounts.exists(account, in: connection) else { throw MeteringError.noSuchAccount }
            // Nobody can use credits of a closed account, so it gets none; its balance can be corrected.
            if kind == .grant, try !Accounts.isOpen(account, in: connection) { throw AccountsError.accountClosed }
            let number = ids.next(at: now)
            let entry = LedgerEntry(
                id: Identifier(number: number), account: account, kind: kind, amount: amount,
                reason: reason.isEmpty ? nil : reason, actor: author.actor, createdAt: now)
            try LedgerTable.insert(entry, number, connection)
            try BalanceTable.grant(amount, to: account, connection)
            try author.record(
                kind == .grant ? .creditsGrant : .creditsAdjust, account: account, object: entry.id.description,
                detail: ["amount": amount.decimal, "reason": reason], at: now, in: connection)
            return entry
        }
    }
}
