package import Audit
import Catalog
package import Database
import Policy
package import Values

/// The tenants themselves.
extension Accounts {
    package func create(_ draft: AccountDraft, by author: Author) async throws -> Account {
        let account = newAccount(draft)
        try await parts.database.write { connection in
            try Self.check(defaultGroup: draft.defaultGroup, draft.groups, before: nil, connection)
            try AccountTable.insert(account, connection)
            try Self.record(account, author, connection)
        }
        return account
    }

    static func record(_ account: Account, _ author: Author, _ connection: Connection) throws {
        try author.record(
            .accountCreate, account: account.id, object: account.id.description,
            detail: [
                "name": account.name, "credential_cap": String(account.cap.value),
                "default_group": account.defaultGroup, "groups": Changes.bounded(account.groups),
            ], at: account.createdAt, in: connection)
    }

    package func list(_ page: Page) async throws -> Listing<Account> {
        try await parts.database.read { Listing(try AccountTable.page(page, $0), page, id: \.id) }
    }

    /// What accounts are called, closed ones too.
    /// - Parameter accounts: those of one page.
    package func names(of accounts: [Identifier]) async throws -> [Identifier: String] {
        try await parts.database.read { connection in
            var names: [Identifier: String] = [:]
            for id in accounts { names[id] = try AccountTable.name(id, connection) }
            return names
        }
    }

    /// How many open accounts have each of these default groups.
    /// - Parameter limit: up to which they are counted.
    package func counts(in groups: [String], atMost limit: Int) async throws -> [String: Int] {
        try await parts.database.read { connection in
            var counts: [String: Int] = [:]
            for group in groups { counts[group] = try AccountTable.count(in: group, atMost: limit, connection) }
            return counts
        }
    }

    package func account(_ id: Identifier) async throws -> Account {
        guard let account = try await parts.database.read({ try AccountTable.find(id, $0) }) else {
            throw AccountsError.notFound
        }
        return account
    }

    /// Binds the very next call. A lower cap takes no key away; it only stops new ones. What changes nothing writes
    /// nothing.
    package func edit(_ id: Identifier, _ edit: AccountEdit, by author: Author) async throws -> Account {
        let now = parts.clock.now()
        let account = try await parts.database.write { connection in
            guard let old = try AccountTable.find(id, connection) else { throw AccountsError.notFound }
            if old.closedAt != nil { throw AccountsError.accountClosed }
            var account = old
            account.name = edit.name?.text ?? account.name
            account.cap = edit.cap ?? account.cap
            account.defaultGroup = edit.defaultGroup?.text ?? account.defaultGroup
            account.groups = Self.groups(edit.groups?.map(\.text) ?? account.groups, besides: account.defaultGroup)
            account.isSuspended = edit.isSuspended ?? account.isSuspended
            try Self.check(defaultGroup: edit.defaultGroup, edit.groups, before: old, connection)
            let changes = account.changes(from: old)
            if changes.isEmpty, account.isSuspended == old.isSuspended { return old }
            account.updatedAt = now
            try AccountTable.update(account, connection)
            try Self.record(changes, account, from: old, author, connection)
            return account
        }
        forget(id)
        return account
    }

    /// To suspend and to resume are acts of their own; a request that does more than that leaves two entries.
    private static func record(
        _ changes: Changes, _ new: Account, from old: Account, _ author: Author, _ connection: Connection
    ) throws {
        func record(_ action: AuditEntry.Action, _ detail: [String: String]) throws {
            try author.record(
                action, account: new.id, object: new.id.description, detail: detail, at: new.updatedAt, in: connection)
        }
        if !changes.isEmpty { try record(.accountEdit, changes.detail) }
        if new.isSuspended != old.isSuspended { try record(new.isSuspended ? .accountSuspend : .accountResume, [:]) }
    }

    /// Each once, without the default, in order.
    private static func groups(_ names: [String], besides defaultGroup: String) -> [String] {
        Set(names).subtracting([defaultGroup]).sorted()
    }

    /// What is newly given must be there and not retired; what was had already stays.
    /// - Parameter given: in the order of the request, for the error to point into.
    private static func check(
        defaultGroup: GroupName?, _ given: [GroupName]?, before old: Account?, _ connection: Connection
    ) throws {
        func isFine(_ group: GroupName) throws -> Bool {
            try old?.usableGroups.contains(group.text) == true || Catalog.isChoosable(group.text, in: connection)
        }
        if let defaultGroup, defaultGroup.text != old?.defaultGroup,
            try !Catalog.isChoosable(defaultGroup.text, in: connection)
        {
            throw AccountsError.unknownGroup(field: "default_group")
        }
        for (index, group) in (given ?? []).enumerated() where try !isFine(group) {
            throw AccountsError.unknownGroup(field: "groups[\(index)]")
        }
    }

    /// What a call needs of an account: from memory once it was read, never older than the last edit.
    package func opened(_ id: Identifier) async throws -> Account? { try await held.value(id) }

    /// Whether there is such an account, as the transaction of `connection` sees it.
    package static func exists(_ id: Identifier, in connection: Connection) throws -> Bool {
        try AccountTable.isSuspended(id, connection) != nil
    }

    /// Whether there is such an account and it is not closed, as the transaction of `connection` sees it.
    package static func isOpen(_ id: Identifier, in connection: Connection) throws -> Bool {
        try AccountTable.isOpen(id, connection)
    }

    /// The account as the transaction of `connection` sees it.
    package static func account(_ id: Identifier, in connection: Connection) throws -> Account {
        guard let account = try AccountTable.find(id, connection) else { throw AccountsError.notFound }
        return account
    }

    /// Says what the account wants of its keys. For the floor above, which owns their copies. What changes nothing writes
    /// nothing.
    /// - Returns: the account before and after.
    package static func editKeyPolicy(
        _ edit: KeyPolicyEdit, in account: Identifier, at now: Timestamp, _ connection: Connection
    ) throws -> (old: Account, new: Account) {
        let old = try self.account(account, in: connection)
        var new = old
        edit.apply(to: &new)
        if new.policyChanges(from: old).isEmpty { return (old, old) }
        new.updatedAt = now
        try AccountTable.update(new, connection)
        return (old, new)
    }

    /// To be called after the commit of a change, also of one that another floor has made, and before its answer.
    package func forget(_ account: Identifier) {
        held.invalidate(account)
        // After the memory: whoever takes the new stamp must not be told the old state.
        parts.generations.changed(account)
    }

    // MARK: New ones

    func newAccount(_ draft: AccountDraft) -> Account {
        let now = parts.clock.now()
        let group = draft.defaultGroup?.text ?? PricingGroup.standard
        return Account(
            id: parts.newID(at: now), name: draft.name.text, cap: draft.cap, defaultGroup: group,
            groups: Self.groups(draft.groups.map(\.text), besides: group), isSuspended: false, closedAt: nil,
            allowsRevealableKeys: true, keyRotationAge: .standard, createdAt: now, updatedAt: now)
    }
}
