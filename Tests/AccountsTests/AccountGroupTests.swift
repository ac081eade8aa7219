import Accounts
import Audit
import Catalog
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

@Suite("Pricing groups of accounts")
struct AccountGroupTests {
    private let house: AccountsHouse
    private let catalog: Catalog
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        let keys = DeploymentSecrets(master: Secret("master"), pepper: Secret("pepper"))
        catalog = Catalog(
            database: house.database, sealing: keys.sealing, generations: Generations(), entropy: .system,
            clock: house.hand.clock)
        for name in ["cheap", "dear", "old"] { _ = try await catalog.createGroup(good(name), .one, by: .test) }
        _ = try await catalog.retireGroup("old", true, by: .test)
    }

    private func create(_ defaultGroup: String? = nil, _ groups: [String] = []) async throws -> Account {
        try await accounts.create(
            AccountDraft(
                name: good("Tenant"), cap: .standard, defaultGroup: defaultGroup.map { try good($0) },
                groups: groups.map { try good($0) }), by: .test)
    }

    private func edit(_ account: Account, _ change: (inout AccountEdit) throws -> Void) async throws -> Account {
        var edit = AccountEdit()
        try change(&edit)
        return try await accounts.edit(account.id, edit, by: .test)
    }

    private func names(_ texts: [String]) throws -> [GroupName] { try texts.map { try good($0) } }

    @Test("an account is in the standard group until it is told otherwise, and so is the first admin's") func standard()
        async throws
    {
        let account = try await create()
        #expect(account.defaultGroup == PricingGroup.standard)
        #expect(account.groups.isEmpty)
        #expect(account.usableGroups == ["standard"])
        #expect(try await accounts.account(account.id).defaultGroup == "standard")
        let admin = try await house.admin()
        #expect(try await accounts.account(admin.account).defaultGroup == "standard")
    }

    @Test("groups are kept each once, in order, without the default") func kept() async throws {
        let account = try await create("dear", ["standard", "cheap", "dear", "cheap"])
        #expect(account.groups == ["cheap", "standard"])
        #expect(account.usableGroups == ["cheap", "dear", "standard"])
        let read = try await accounts.account(account.id)
        #expect(read.groups == ["cheap", "standard"])
        #expect(read.defaultGroup == "dear")
        #expect(try await accounts.list(Page()).items.first?.groups == ["cheap", "standard"])
        let edited = try await edit(account) { $0.defaultGroup = try good("cheap") }
        #expect(edited.groups == ["standard"])
        #expect(try await edit(account) { $0.groups = [] }.groups == [])
        #expect(try await accounts.account(account.id).defaultGroup == "cheap")
    }

    @Test(
        "a group that is not there, or is retired, can't be given, by creation or by edit",
        arguments: ["absent", "old"])
    func unknown(name: String) async throws {
        let before = try await accounts.list(Page()).items.count
        await #expect(throws: AccountsError.unknownGroup(field: "default_group")) { try await create(name) }
        await #expect(throws: AccountsError.unknownGroup(field: "groups[1]")) {
            try await create(nil, ["cheap", name])
        }
        #expect(try await accounts.list(Page()).items.count == before)
        let account = try await create()
        await #expect(throws: AccountsError.unknownGroup(field: "default_group")) {
            try await edit(account) { $0.defaultGroup = try good(name) }
        }
        await #expect(throws: AccountsError.unknownGroup(field: "groups[0]")) {
            try await edit(account) { $0.groups = try names([name, "cheap"]) }
        }
        let kept = try await accounts.account(account.id)
        #expect(kept.defaultGroup == "standard")
        #expect(kept.groups.isEmpty)
    }

    @Test("whoever has a group when it is retired keeps it, through other edits too") func retiredLater() async throws {
        let account = try await create("dear", ["cheap"])
        _ = try await catalog.retireGroup("dear", true, by: .test)
        _ = try await catalog.retireGroup("cheap", true, by: .test)
        let renamed = try await edit(account) { $0.name = try good("Other") }
        #expect(renamed.defaultGroup == "dear")
        #expect(renamed.groups == ["cheap"])
        #expect(
            try await edit(account) { $0.groups = try names(["standard", "cheap"]) }.groups == ["cheap", "standard"])
        #expect(try await edit(account) { $0.defaultGroup = try good("dear") }.defaultGroup == "dear")
        // Once given up, it is gone.
        _ = try await edit(account) { $0.groups = [] }
        await #expect(throws: AccountsError.unknownGroup(field: "groups[0]")) {
            try await edit(account) { $0.groups = try names(["cheap"]) }
        }
    }

    @Test("a retired group can't be made a default, also by an account that may choose it") func retiredDefault()
        async throws
    {
        let account = try await create("dear", ["cheap"])
        _ = try await catalog.retireGroup("cheap", true, by: .test)
        await #expect(throws: AccountsError.unknownGroup(field: "default_group")) {
            try await edit(account) { $0.defaultGroup = try good("cheap") }
        }
        #expect(try await accounts.account(account.id).defaultGroup == "dear")
    }

    @Test("a call is priced in the group that its key chose while the account may use it, else in the account's own")
    func priced() async throws {
        let account = try await create("dear", ["cheap"])
        #expect(account.group(chosen: nil) == "dear")
        #expect(account.group(chosen: "dear") == "dear")
        #expect(account.group(chosen: "cheap") == "cheap")
        #expect(account.group(chosen: "standard") == "dear")
        #expect(account.group(chosen: "absent") == "dear")
        let without = try await edit(account) { $0.groups = [] }
        #expect(without.group(chosen: "cheap") == "dear")
    }

    @Test("an edit binds the next call: what is held in memory is never older") func binds() async throws {
        let account = try await create()
        #expect(try await accounts.opened(account.id)?.defaultGroup == "standard")
        _ = try await edit(account) { $0.defaultGroup = try good("dear") }
        #expect(try await accounts.opened(account.id)?.defaultGroup == "dear")
        _ = try await edit(account) { $0.groups = try names(["cheap"]) }
        #expect(try await accounts.opened(account.id)?.groups == ["cheap"])
    }

    @Test("an edit that changes nothing writes nothing; of the groups the record has what came and what went")
    func nothing() async throws {
        let account = try await create("dear", ["cheap"])
        let before = try await house.actions().count
        house.hand.advance(.seconds(1))
        for _ in 0..<2 {
            let same = try await edit(account) {
                $0.name = try good("Tenant")
                $0.cap = account.cap
                $0.defaultGroup = try good("dear")
                $0.groups = try names(["cheap", "dear", "cheap"])
                $0.isSuspended = false
            }
            #expect(same.updatedAt == account.updatedAt)
        }
        #expect(try await edit(account) { _ in }.updatedAt == account.updatedAt)
        #expect(try await house.actions().count == before)
        #expect(try await accounts.account(account.id).updatedAt == account.updatedAt)
        let edited = try await edit(account) { $0.groups = try names(["standard"]) }
        #expect(edited.updatedAt == house.hand.now)
        let entry = try #require(try await house.audit.entries(AuditFilter(account: account.id), Page()).items.first)
        #expect(entry.detail == ["groups": "+standard -cheap"])
    }

    @Test("the entry of a new account with many groups is no longer than any other") func manyGroups() async throws {
        let many = (0..<100).map { "group-with-a-name-of-forty-characters-\($0)" }
        for name in many { _ = try await catalog.createGroup(good(name), .one, by: .test) }
        let account = try await create(nil, many)
        let entry = try #require(try await house.audit.entries(AuditFilter(account: account.id), Page()).items.first)
        #expect(try #require(entry.detail["groups"]).utf8.count <= Changes.limit)
    }
}

@Suite("Suspended accounts")
struct SuspensionTests {
    private let house: AccountsHouse
    private var accounts: Accounts { house.accounts }

    init() throws { house = try AccountsHouse() }

    private func account() async throws -> Account {
        try await accounts.create(AccountDraft(name: good("Tenant"), cap: .standard), by: .test)
    }

    @discardableResult
    private func suspend(_ account: Account, _ isSuspended: Bool, by author: Author = .test) async throws -> Account {
        var edit = AccountEdit()
        edit.isSuspended = isSuspended
        return try await accounts.edit(account.id, edit, by: author)
    }

    private func entries() async throws -> [AuditEntry] {
        try await house.audit.entries(AuditFilter(), Page()).items
    }

    /// As a reader and as a call that is looked at see it.
    private func isSuspended(_ account: Account) async throws -> [Bool?] {
        let id = account.id
        return [
            try await accounts.account(id).isSuspended, try await accounts.opened(id)?.isSuspended,
            try await accounts.opened(id)?.facts.isSuspended,
        ]
    }

    @Test("suspending and resuming bind at once, wherever it is read") func binds() async throws {
        let account = try await account()
        #expect(try await isSuspended(account) == [false, false, false])
        #expect(try await suspend(account, true).isSuspended)
        #expect(try await isSuspended(account) == [true, true, true])
        #expect(try await suspend(account, true).isSuspended)
        #expect(try await suspend(account, false).isSuspended == false)
        #expect(try await isSuspended(account) == [false, false, false])
    }

    @Test("one account's suspension is no other's, and what is absent is neither") func others() async throws {
        let one = try await account()
        let other = try await account()
        try await suspend(one, true)
        #expect(try await isSuspended(other) == [false, false, false])
        let nobody = Identifier(at: house.hand.now, random: (7, 7))
        #expect(try await house.database.read { try Accounts.exists(nobody, in: $0) } == false)
        #expect(try await house.database.read { try Accounts.exists(one.id, in: $0) })
        #expect(try await accounts.opened(nobody) == nil)
        await #expect(throws: AccountsError.notFound) { try await accounts.edit(nobody, AccountEdit(), by: .test) }
    }

    @Test("other edits leave it suspended, and when it was first suspended stays") func kept() async throws {
        let account = try await account()
        try await suspend(account, true)
        let id = account.id
        func since() async throws -> Timestamp? {
            try await house.database.read {
                try $0.row("SELECT suspended_at FROM accounts WHERE id = $1", id)?.optionalTime("suspended_at")
            }
        }
        let first = try await since()
        #expect(first == house.hand.now)
        house.hand.advance(.seconds(60))
        var edit = AccountEdit()
        edit.name = try good("Other")
        #expect(try await accounts.edit(id, edit, by: .test).isSuspended)
        try await suspend(account, true)
        #expect(try await since() == first)
        try await suspend(account, false)
        #expect(try await since() == nil)
    }

    @Test("people of a suspended account still sign in: management goes on") func signIn() async throws {
        let user = try await house.user()
        try await suspend(try await accounts.account(user.account), true)
        #expect(try await house.signIn("bob@example.com").0.account == user.account)
    }

    @Test("to suspend, to resume and to edit are entries of their own, with who and where") func audited() async throws
    {
        let admin = try await house.admin()
        let account = try await account()
        let author = house.audit.author(actor: admin.id, address: "192.0.2.7")
        let before = try await entries().count
        house.hand.advance(.seconds(1))
        try await suspend(account, true, by: author)
        try await suspend(account, true, by: author)
        house.hand.advance(.seconds(1))
        var edit = AccountEdit()
        edit.name = try good("Other")
        edit.cap = CredentialCap(5)
        edit.isSuspended = false
        _ = try await accounts.edit(account.id, edit, by: author)
        let found = Array(try await entries().dropLast(before))
        #expect(found.count == 3)
        #expect(found.last?.action == .accountSuspend)
        #expect(Set(found.map(\.action)) == [.accountSuspend, .accountResume, .accountEdit])
        let edited = try #require(found.first { $0.action == .accountEdit })
        #expect(edited.detail == ["name": "Other", "credential_cap": "5"])
        for entry in found {
            #expect(entry.actor == admin.id)
            #expect(entry.address == "192.0.2.7")
            #expect(entry.account == account.id)
            #expect(entry.object == account.id.description)
        }
    }

    @Test("a new account is an entry as well, and a refused change is none") func auditedCreation() async throws {
        let before = try await entries().count
        let account = try await account()
        let found = try await entries()
        #expect(found.count == before + 1)
        #expect(found.first?.action == .accountCreate)
        #expect(found.first?.account == account.id)
        #expect(
            found.first?.detail == [
                "name": "Tenant", "credential_cap": "10", "default_group": "standard", "groups": "",
            ])
        var edit = AccountEdit()
        edit.groups = [try good("absent")]
        edit.isSuspended = true
        await #expect(throws: AccountsError.self) { try await accounts.edit(account.id, edit, by: .test) }
        #expect(try await entries().count == before + 1)
        #expect(try await accounts.account(account.id).isSuspended == false)
    }

    @Test("a change whose audit entry can't be written is not made") func together() async throws {
        let account = try await account()
        try await house.database.write { connection in
            _ = try connection.run(
                "CREATE TRIGGER fault BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'refused'); END")
        }
        await #expect(throws: DatabaseFailure.constraint) { try await suspend(account, true) }
        #expect(try await isSuspended(account) == [false, false, false])
        await #expect(throws: DatabaseFailure.constraint) { try await self.account() }
        #expect(try await accounts.list(Page()).items.count == 1)
    }

    @Test("the record runs from the newest to the oldest, in pages without a gap or a repeat") func pages() async throws
    {
        let account = try await account()
        for turn in 0..<5 {
            house.hand.advance(.milliseconds(2))
            try await suspend(account, turn.isMultiple(of: 2))
        }
        let audit = house.audit
        var seen: [AuditEntry] = []
        var after: Identifier?
        repeat {
            let page = try await audit.entries(AuditFilter(), Page(limit: 2, after: after))
            seen += page.items
            after = page.next
        } while after != nil
        #expect(
            seen.map(\.action) == [
                .accountSuspend, .accountResume, .accountSuspend, .accountResume, .accountSuspend, .accountCreate,
            ])
        #expect(seen.map(\.at) == seen.map(\.at).sorted(by: >))
    }
}
