package import Accounts
import Catalog
import Credentials
package import Database
package import Metering
package import Values

/// An account with what it has and what of that is spoken for.
package struct AccountDetails: Sendable {
    package let account: Account
    package let balance: Balance
}

extension AccountDraft {
    /// The most groups that an account may choose among.
    package static let groupLimit = 100
}

extension Management {
    package func listAccounts(_ caller: Caller, _ page: Page) async throws(Refusal) -> Listing<AccountDetails> {
        try await perform(.listAccounts, caller) { domains, _ in
            let listing = try await domains.accounts.list(page)
            let balances = try await domains.metering.balances(of: listing.items.map(\.id))
            return Listing(
                listing.items.map { AccountDetails(account: $0, balance: balances[$0.id] ?? Balance()) },
                next: listing.next)
        }
    }

    package func createAccount(_ caller: Caller, _ draft: AccountDraft) async throws(Refusal) -> AccountDetails {
        try await perform(.createAccount, caller) { domains, _ in
            try checkNoneTwice(draft.groups)
            return AccountDetails(
                account: try await domains.accounts.create(draft, by: caller.author), balance: Balance())
        }
    }

    package func getAccount(_ caller: Caller, _ id: Identifier) async throws(Refusal) -> AccountDetails {
        try await perform(.getAccount, caller, in: id) { domains, _ in
            try await domains.details(domains.accounts.account(id))
        }
    }

    package func updateAccount(
        _ caller: Caller, _ id: Identifier, _ edit: AccountEdit
    ) async throws(Refusal) -> AccountDetails {
        try await perform(.updateAccount, caller, in: id, isBrake: edit.isBrake) { domains, _ in
            try checkNoneTwice(edit.groups ?? [])
            return try await domains.details(domains.accounts.edit(id, edit, by: caller.author))
        }
    }

    /// Ends an account for good: its keys are dead with the next call, its people are gone and their addresses free. Its
    /// ledger stays.
    /// - Parameter isConfirmed: whether it goes with the keys and people that it has.
    package func closeAccount(_ caller: Caller, _ id: Identifier, isConfirmed: Bool) async throws(Refusal) {
        try await perform(.closeAccount, caller, in: id) { domains, actor in
            try await domains.credentials.closeAccount(
                id, confirmed: isConfirmed, for: actor.user, by: caller.author)
        }
    }

    /// Says what the account wants of its keys: whether they may be shown again, and when they are due for rotation.
    package func updateKeyPolicy(
        _ caller: Caller, _ id: Identifier, _ edit: KeyPolicyEdit
    ) async throws(Refusal) -> AccountDetails {
        try await perform(.updateKeyPolicy, caller, in: id) { domains, _ in
            try await domains.details(domains.credentials.editKeyPolicy(edit, in: id, by: caller.author))
        }
    }

    private func checkNoneTwice(_ groups: [GroupName]) throws(Refusal) {
        guard groups.count <= AccountDraft.groupLimit else {
            throw .invalid("groups", "must have at most \(AccountDraft.groupLimit) elements")
        }
        var seen: Set<GroupName> = []
        for (index, group) in groups.enumerated() where !seen.insert(group).inserted {
            throw .invalid("groups[\(index)]", "comes twice")
        }
    }

    // MARK: Credits

    /// What may be granted at once, in micro-credits.
    package static let grants: ClosedRange<Int64> = 1...Credits.most.micro
    /// By what a balance may be corrected at once, in micro-credits; zero is refused.
    package static let adjustments: ClosedRange<Int64> = -Credits.most.micro...Credits.most.micro

    package func createGrant(
        _ caller: Caller, to account: Identifier, _ amount: Credits, reason: OptionalName?
    ) async throws(Refusal) -> LedgerEntry {
        try await perform(.createGrant, caller, in: account) { domains, _ in
            guard Self.grants.contains(amount.micro) else {
                throw Refusal.invalid("amount", Credits.rule(Self.grants))
            }
            return try await domains.metering.grant(
                amount, to: account, reason: reason ?? .empty, by: caller.author)
        }
    }

    package func createAdjustment(
        _ caller: Caller, of account: Identifier, by amount: Credits, reason: DisplayName
    ) async throws(Refusal) -> LedgerEntry {
        try await perform(.createAdjustment, caller, in: account) { domains, _ in
            if amount == .zero { throw Refusal.invalid("amount", "must not be 0") }
            guard Self.adjustments.contains(amount.micro) else {
                throw Refusal.invalid("amount", Credits.rule(Self.adjustments))
            }
            return try await domains.metering.adjust(account, by: amount, reason: reason, by: caller.author)
        }
    }
}

extension Management.Domains {
    fileprivate func details(_ account: Account) async throws -> AccountDetails {
        AccountDetails(account: account, balance: try await metering.balance(of: account.id))
    }
}
