import Accounts
import Applications
import Audit
import Catalog
import Credentials
import Database
import Policy
import TestSupport
import Testing
import Values

@Suite("Editing keys")
struct EditTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    @discardableResult
    private func edit(
        _ credential: Credential, of account: Identifier? = nil, _ change: (inout CredentialEdit) throws -> Void
    ) async throws -> Credential {
        var edit = CredentialEdit()
        try change(&edit)
        return try await house.credentials.edit(credential.id, of: account ?? credential.account, edit, by: .test)
    }

    private func group(_ name: String, usable: Bool = true) async throws {
        _ = try await house.catalog.createGroup(good(name), .one, by: .test)
        if usable { try await allow([name]) }
    }

    private func allow(_ groups: [String]) async throws {
        var edit = AccountEdit()
        edit.groups = try groups.map { try good($0) }
        _ = try await house.accounts.edit(house.ada.account, edit, by: .test)
    }

    private func limits(_ credential: Credential) async throws -> [Credits?]? {
        do {
            let terms = try await house.credentials.find(credential.id, of: credential.account).terms
            return [terms.creditLimit, terms.monthlyLimit]
        } catch CredentialsError.notFound {
            return nil
        }
    }

    private func later(_ seconds: Int64) -> Timestamp { house.hand.now.adding(.seconds(seconds)) }

    @Test("what is not named stays, what is given is set, and nothing given takes a term away") func fields()
        async throws
    {
        let made = try await house.issue(until: later(60)).credential
        house.hand.advance(.seconds(1))
        let first = try await edit(made) {
            $0.name = try good("Production")
            $0.creditLimit = .some(Credits(micro: 5))
            $0.monthlyLimit = .some(Credits(micro: 3))
        }
        #expect(first.name == "Production")
        #expect(
            first.terms
                == KeyTerms(
                    expiresAt: made.terms.expiresAt, creditLimit: Credits(micro: 5), monthlyLimit: Credits(micro: 3)))
        #expect(first.updatedAt == house.hand.now)
        #expect(first.createdAt == made.createdAt)
        let second = try await edit(made) { $0.creditLimit = .some(nil) }
        #expect(second.name == "Production")
        #expect(second.terms.creditLimit == nil)
        #expect(second.terms.monthlyLimit == Credits(micro: 3))
        let third = try await edit(made) {
            $0.expiresAt = .some(nil)
            $0.monthlyLimit = .some(nil)
            $0.name = .empty
        }
        #expect(third.terms == KeyTerms())
        #expect(third.name == "")
        #expect(try await house.credentials.find(made.id, of: made.account).terms == KeyTerms())
        // Nothing named: nothing changes, not even the time.
        house.hand.advance(.seconds(1))
        #expect(try await edit(made) { _ in }.terms == KeyTerms())
        #expect(try await edit(made) { _ in }.updatedAt == third.updatedAt)
    }

    @Test("an edit that changes nothing writes nothing; one that changes a list tells what came and what went")
    func nothing() async throws {
        func same(_ edit: inout CredentialEdit) throws {
            edit.name = try good("Production")
            edit.isEnabled = false
            edit.expiresAt = .some(later(3600))
            edit.creditLimit = .some(Credits(micro: 5))
            edit.monthlyLimit = .some(nil)
            edit.group = .some(nil)
            edit.models = try .some([good("echo"), good("echo")])
            edit.addresses = try .some(["192.0.2.1", "10.0.0.0/8", "192.0.2.1"].map { try good($0) })
            edit.host = try .some(good("example.com"))
            edit.labels = try ["web", "shop", "web"].map { try good($0) }
            edit.environment = try .some(good("testing"))
        }
        let made = try await house.issue().credential
        let first = try await edit(made) { try same(&$0) }
        let before = try await house.entries()
        #expect(before.first { $0.action == .credentialEdit }?.detail["ip_allowlist"] == "+192.0.2.1 +10.0.0.0/8")
        let end = first.terms.expiresAt
        house.hand.advance(.seconds(1))
        for _ in 0..<2 {
            let again = try await edit(made) {
                try same(&$0)
                $0.expiresAt = .some(end)
            }
            #expect(again.updatedAt == first.updatedAt)
            #expect(again.terms == first.terms)
        }
        #expect(try await house.find(made).updatedAt == first.updatedAt)
        #expect(try await house.entries().count == before.count)
        _ = try await edit(made) {
            $0.name = try good("Production")
            $0.addresses = try .some(["10.0.0.0/8", "192.0.2.2"].map { try good($0) })
        }
        let entries = try await house.entries()
        #expect(entries.count == before.count + 1)
        #expect(entries[0].detail == ["ip_allowlist": "+192.0.2.2 -192.0.2.1"])
        #expect(try await house.find(made).updatedAt == house.hand.now)
    }

    @Test("limits are there for the next decision, from zero to the largest") func limitsBind() async throws {
        let made = try await house.issue().credential
        #expect(try await limits(made) == [nil, nil])
        for limit in [Credits.zero, Credits(micro: 1), .most] {
            try await edit(made) {
                $0.creditLimit = .some(limit)
                $0.monthlyLimit = .some(limit)
            }
            #expect(try await limits(made) == [limit, limit])
        }
        await #expect(throws: DatabaseFailure.constraint) {
            try await edit(made) { $0.creditLimit = .some(Credits(micro: -1)) }
        }
        try await house.delete(made)
        #expect(try await limits(made) == nil)
    }

    @Test("an expiry binds the next call, by what is held in memory too") func expiryBinds() async throws {
        let made = try await house.issue()
        #expect(try await house.credentials.verify(made.key, at: house.hand.now).facts.terms.expiresAt == nil)
        let end = later(60)
        try await edit(made.credential) { $0.expiresAt = .some(end) }
        #expect(try await house.credentials.verify(made.key, at: house.hand.now).facts.terms.expiresAt == end)
        try await edit(made.credential) { $0.expiresAt = .some(nil) }
        #expect(try await house.credentials.verify(made.key, at: house.hand.now).facts.terms.expiresAt == nil)
    }

    @Test("an expiry must be later than now") func expiryInPast() async throws {
        let made = try await house.issue().credential
        for past in [house.hand.now, later(-1), Timestamp(microseconds: .min)] {
            await #expect(throws: CredentialsError.expiryInPast) { try await edit(made) { $0.expiresAt = .some(past) } }
        }
        let next = Timestamp(microseconds: house.hand.now.microseconds + 1)
        #expect(try await edit(made) { $0.expiresAt = .some(next) }.terms.expiresAt == next)
    }

    @Test("an expired key that comes back needs a slot, as a new one does", arguments: [true, false])
    func comesBack(forEver: Bool) async throws {
        try await house.cap(3)
        let end = later(60)
        let expired = try await house.issue(until: end)
        for _ in 0..<2 { _ = try await house.issue() }
        house.hand.set(end)
        let third = try await house.issue()
        let expiry: Timestamp? = forEver ? nil : later(3600)
        await #expect(throws: CredentialsError.capReached(3)) {
            try await edit(expired.credential) { $0.expiresAt = .some(expiry) }
        }
        #expect(try await house.credentials.verify(expired.key, at: house.hand.now).facts.terms.expiresAt == end)
        // Its other terms can be changed while it is gone.
        #expect(try await edit(expired.credential) { $0.name = try good("gone") }.name == "gone")
        try await house.delete(third.credential)
        #expect(try await edit(expired.credential) { $0.expiresAt = .some(expiry) }.terms.expiresAt == expiry)
        await #expect(throws: CredentialsError.capReached(3)) { try await house.issue() }
    }

    @Test("it comes back in the last microsecond of its life without asking for a slot") func stillThere() async throws
    {
        try await house.cap(3)
        let end = later(60)
        let made = try await house.issue(until: end)
        for _ in 0..<2 { _ = try await house.issue() }
        house.hand.set(Timestamp(microseconds: end.microseconds - 1))
        try await edit(made.credential) { $0.expiresAt = .some(later(3600)) }
        // A lower cap takes nothing from keys that live.
        for _ in 0..<2 { try await edit(made.credential) { $0.expiresAt = .some(later(7200)) } }
    }

    @Test("to come back is no creation: the day's ten are not counted") func noCreation() async throws {
        let end = later(60)
        let expired = try await house.issue(until: end)
        for _ in 0..<9 { try await house.delete(house.issue().credential) }
        house.hand.set(end)
        try await edit(expired.credential) { $0.expiresAt = .some(nil) }
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 43_140)) {
            try await house.issue()
        }
    }

    @Test("of many expired keys that come back at once, as many do as there are slots") func race() async throws {
        try await house.cap(3)
        let end = later(60)
        var keys: [Credential] = []
        for _ in 0..<3 { keys.append(try await house.issue(until: end).credential) }
        house.hand.set(end)
        for _ in 0..<2 { _ = try await house.issue() }
        let house = house
        let credentials = keys
        let back = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<30 {
                group.addTask {
                    var edit = CredentialEdit()
                    edit.expiresAt = .some(nil)
                    let credential = credentials[number % credentials.count]
                    do {
                        _ = try await house.credentials.edit(credential.id, of: credential.account, edit, by: .test)
                        return true
                    } catch CredentialsError.capReached(3) {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        // One comes back; to say so of it again changes nothing.
        #expect(back >= 1)
        let listed = try await house.credentials.list(of: house.ada.account).items
        #expect(listed.filter { !$0.terms.expiresAt.isExpired(at: house.hand.now) }.count == 3)
    }

    @Test("a group must be one that the account may use and that is not retired, for new keys and for edits")
    func groups()
        async throws
    {
        try await group("cheap")
        try await group("hidden", usable: false)
        let made = try await house.issue().credential
        func issue(_ name: String) async throws -> Credential {
            let terms = KeyTerms(group: name)
            return try await house.credentials.issue(
                CredentialDraft(application: house.cat.id, name: .empty, terms: terms), by: house.ada, .test
            ).0
        }
        for name in ["hidden", "absent"] {
            await #expect(throws: CredentialsError.unknownGroup) { try await issue(name) }
            await #expect(throws: CredentialsError.unknownGroup) { try await edit(made) { $0.group = try good(name) } }
        }
        for name in ["cheap", "standard"] {
            #expect(try await issue(name).terms.group == name)
            #expect(try await edit(made) { $0.group = try good(name) }.terms.group == name)
        }
        _ = try await house.catalog.retireGroup("cheap", true, by: .test)
        await #expect(throws: CredentialsError.unknownGroup) { try await issue("cheap") }
        await #expect(throws: CredentialsError.unknownGroup) { try await edit(made) { $0.group = try good("cheap") } }
        #expect(try await edit(made) { $0.group = .some(nil) }.terms.group == nil)
    }

    @Test("a key that has a group keeps it when the group is retired or the account loses it") func keepsGroup()
        async throws
    {
        try await group("cheap")
        let made = try await house.issue()
        try await edit(made.credential) { $0.group = try good("cheap") }
        #expect(try await house.credentials.verify(made.key, at: house.hand.now).facts.terms.group == "cheap")
        _ = try await house.catalog.retireGroup("cheap", true, by: .test)
        let renamed = try await edit(made.credential) {
            $0.name = try good("other")
            $0.group = try good("cheap")
        }
        #expect(renamed.terms.group == "cheap")
        try await allow([])
        #expect(try await edit(made.credential) { $0.name = .empty }.terms.group == "cheap")
        #expect(try await house.credentials.verify(made.key, at: house.hand.now).facts.terms.group == "cheap")
        // What it pays then is the account's to say.
        #expect(try await house.accounts.account(house.ada.account).group(chosen: "cheap") == "standard")
    }

    @Test("a group binds the next call, by what is held in memory too") func groupBinds() async throws {
        try await group("cheap")
        let made = try await house.issue()
        #expect(try await house.credentials.verify(made.key, at: house.hand.now).facts.terms.group == nil)
        try await edit(made.credential) { $0.group = try good("cheap") }
        #expect(try await house.credentials.verify(made.key, at: house.hand.now).facts.terms.group == "cheap")
        try await edit(made.credential) { $0.group = .some(nil) }
        #expect(try await house.credentials.verify(made.key, at: house.hand.now).facts.terms.group == nil)
    }

    @Test("another account's key, a deleted and an absent one are the same: not found") func notFound() async throws {
        let made = try await house.issue().credential
        let bob = try await house.bob()
        let deleted = try await house.issue().credential
        try await house.delete(deleted)
        func rename(_ id: Identifier, of account: Identifier) async throws {
            var edit = CredentialEdit()
            edit.name = try good("mine")
            _ = try await house.credentials.edit(id, of: account, edit, by: .test)
        }
        let absent = Identifier(at: house.hand.now, random: (7, 7))
        for (id, account) in [
            (made.id, bob.account), (deleted.id, deleted.account), (absent, made.account), (absent, bob.account),
        ] {
            await #expect(throws: CredentialsError.notFound) { try await rename(id, of: account) }
        }
        #expect(try await house.credentials.find(made.id, of: made.account).name == "")
        #expect(try await limits(deleted) == nil)
    }

    @Test("a refused edit changes nothing of the key, not even what was right in it") func whole() async throws {
        let made = try await house.issue().credential
        await #expect(throws: CredentialsError.unknownGroup) {
            try await edit(made) {
                $0.name = try good("other")
                $0.creditLimit = .some(.zero)
                $0.group = try good("absent")
            }
        }
        let kept = try await house.credentials.find(made.id, of: made.account)
        #expect(kept.name == "")
        #expect(kept.terms == KeyTerms())
        #expect(kept.updatedAt == made.updatedAt)
    }
}
