import Accounts
package import Database
package import Metering
package import Values

/// Which entries of the ledger are asked for.
package struct LedgerQuestion: Sendable {
    /// `nil` for the caller's own.
    package var account: Identifier?
    package var kind: LedgerEntry.Kind?
    package var credential: Identifier?
    package var application: Identifier?
    /// The public name of a model.
    package var model: String?
    /// The first moment that counts; `nil` for the beginning.
    package var from: Timestamp?
    /// The first moment that does not count any more; `nil` for no end.
    package var until: Timestamp?

    package init(account: Identifier? = nil) { self.account = account }
}

/// The record behind every balance.
extension Management {
    /// One page of the entries that match, the newest first, and the sums of all of them.
    package func listLedger(
        _ caller: Caller, _ question: LedgerQuestion, _ page: Page
    ) async throws(Refusal) -> (entries: Listing<LedgerEntry>, totals: LedgerTotals) {
        try await withLedger(caller, question) { try await $0.entriesWithTotals($1, page) }
    }

    /// The same without the sums, for who reads page after page.
    package func readLedger(
        _ caller: Caller, _ question: LedgerQuestion, _ page: Page
    ) async throws(Refusal) -> Listing<LedgerEntry> {
        try await withLedger(caller, question) { try await $0.entries($1, page) }
    }

    private func withLedger<T>(
        _ caller: Caller, _ question: LedgerQuestion, _ read: (Metering, LedgerFilter) async throws -> T
    ) async throws(Refusal) -> T {
        try await performOn(question.account, caller, own: .listLedger, any: .listLedgerOfAny) { domains, account in
            try Self.checkTimes(question.from, question.until)
            var filter = LedgerFilter(account: account, kind: question.kind, credential: question.credential)
            filter.application = question.application
            filter.model = question.model
            (filter.from, filter.until) = (question.from, question.until)
            return try await read(domains.metering, filter)
        }
    }

    /// Reads of the caller's own account, or of another one for who may. One that is not there is told from one that is
    /// only to those.
    /// - Parameter account: `nil` for the caller's own.
    func performOn<T>(
        _ account: Identifier?, _ caller: Caller, own: Operation, any: Operation,
        _ work: (Domains, Identifier) async throws -> T
    ) async throws(Refusal) -> T {
        let isOwn = account == nil || account == caller.actor?.account
        return try await perform(isOwn ? own : any, caller, in: account) { domains, actor in
            guard !isOwn, let account else { return try await work(domains, actor.account) }
            return try await work(domains, try await domains.accounts.account(account).id)
        }
    }

    /// A span of time goes from one moment to before another.
    static func checkTimes(_ from: Timestamp?, _ until: Timestamp?) throws(Refusal) {
        if let from, let until, from >= until { throw .invalid("from", "must be before to") }
    }
}
