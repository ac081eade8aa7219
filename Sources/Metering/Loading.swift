import Database
import Synchronization
import Values

/// Brings purses into memory: once for all that ask for the same at the same time.
final class Loading: Sendable {
    private struct Name: Hashable {
        let account: Identifier
        let credential: Identifier?
        let month: Month?
    }

    private struct State {
        var beginning: Task<Void, any Error>?
        var hasBegun = false
        var loads: [Name: Task<Void, any Error>] = [:]
    }

    private let state = Mutex(State())
    private let database: Database
    private let purses: Purses
    private let ids: EntryIDs
    private let folding: Folding

    init(_ database: Database, _ purses: Purses, _ ids: EntryIDs, _ folding: Folding) {
        self.database = database
        self.purses = purses
        self.ids = ids
        self.folding = folding
    }

    /// From here on, the totals are all there is to know of a purse that is not in memory: what the last process has left
    /// in the log is folded.
    func begin() async throws {
        let beginning = state.withLock { state -> Task<Void, any Error>? in
            if state.hasBegun { return nil }
            let task =
                state.beginning
                ?? Task { [database, ids, folding] in
                    try await folding.fold()
                    ids.begin(after: try await database.read { try FoldTable.mark($0).number })
                }
            state.beginning = task
            return task
        }
        guard let beginning else { return }
        do {
            try await beginning.value
            state.withLock { $0.hasBegun = true }
        } catch {
            // The next one tries again.
            state.withLock { $0.beginning = $0.beginning == beginning ? nil : $0.beginning }
            throw error
        }
    }

    /// Has the account's purse in memory when it returns, and the key's part of it. It may go again at once.
    func load(_ account: Identifier, _ credential: Identifier?, _ month: Month?) async throws {
        try await begin()
        guard purses.missing(account, credential, month) != nil else { return }
        let name = Name(account: account, credential: credential, month: month)
        let task = state.withLock { state in
            if let task = state.loads[name] { return task }
            let task = Task { [self] in
                defer { end(name) }
                try await read(name)
            }
            state.loads[name] = task
            return task
        }
        try await task.value
    }

    private func end(_ name: Name) { state.withLock { $0.loads[name] = nil } }

    private func read(_ name: Name) async throws {
        while let missing = purses.missing(name.account, name.credential, name.month) {
            let totals = try await database.read { connection in
                let balance = try BalanceTable.balance(of: name.account, connection)
                var totals = Purses.Totals(granted: balance.granted, account: balance.usage)
                if let credential = name.credential, let month = name.month {
                    totals.key = try KeyUsageTable.usage(of: credential, connection)
                    totals.month = try KeyMonthTable.usage(of: credential, month, connection)
                }
                return totals
            }
            if purses.insert(totals, name.account, name.credential, name.month, missing) { return }
        }
    }

    /// Keeps an account's purse in memory for the length of `body`.
    func whileLoaded<Result>(_ account: Identifier, _ body: () async throws -> Result) async throws -> Result {
        repeat { try await load(account, nil, nil) } while !purses.tie(account)
        defer { purses.untie(account) }
        return try await body()
    }
}
