import Accounts
import Applications
import Audit
import Credentials
import Database
import Metering
import Policy
import TestSupport
import Testing
import Values

@testable import Management

/// When keys are due for rotation: as their account says, and without any effect on calls.
@Suite("Keys that are due for rotation")
struct KeyRotationDueTests {
    private let house: ManagementHouse
    private let ada: User
    private let caller: Caller
    private let other: Caller

    init() async throws {
        house = try ManagementHouse()
        let olga = try await house.operators()
        ada = try await house.tenant("Ada", for: olga)
        caller = try await house.session(of: ada)
        other = try await house.session(of: house.tenant("Bob", for: olga))
    }

    private func key(of caller: Caller, isRevealable: Bool = false) async throws -> KeyDetails {
        let chat = try ChatSettings(model: good("echo"), allowedModels: nil, systemPrompt: nil, parameters: .none)
        let account = try #require(caller.actor?.account)
        let app = try await house.applications.create(
            ApplicationDraft(name: good("Cat"), chat: chat), in: account, by: .test)
        let draft = CredentialDraft(application: app.id, name: .empty, terms: KeyTerms(), isRevealable: isRevealable)
        return try await house.management.createCredential(caller, draft).key
    }

    private func due(_ key: KeyDetails, of caller: Caller) async throws -> Timestamp {
        let listed = try await house.management.listCredentials(caller, KeyListQuestion()).items
        let read = try await house.management.getCredential(caller, key.credential.id).rotationDueAt
        #expect(listed.map(\.rotationDueAt) == [read])
        return read
    }

    @Test("an age is 1 to 3650 days, and ends after so many days to the microsecond") func range() {
        for days in [0, -1, 3651, .max, .min] { #expect(KeyRotationAge(days) == nil) }
        let noon = Timestamp(microseconds: 1_780_315_200_000_001)
        for days in [1, 180, 3650] {
            #expect(
                KeyRotationAge(days)?.end(from: noon).microseconds
                    == noon.microseconds + Int64(days) * 86_400_000_000)
        }
        #expect(KeyRotationAge.standard == KeyRotationAge(180))
    }

    @Test("180 days after the secret was made, unless its own account says otherwise; then at once") func setting()
        async throws
    {
        let (mine, theirs) = (try await key(of: caller), try await key(of: other))
        let made = mine.credential.createdAt
        #expect(mine.rotationDueAt == made.adding(.seconds(180 * 86_400)))
        #expect(try await due(mine, of: caller) == mine.rotationDueAt)
        let edit = KeyPolicyEdit(keyRotationAge: KeyRotationAge(7))
        let account = try await house.management.updateKeyPolicy(caller, ada.account, edit).account
        #expect(account.keyRotationAge.days == 7)
        #expect(try await due(mine, of: caller) == made.adding(.seconds(7 * 86_400)))
        #expect(try await due(theirs, of: other) == theirs.rotationDueAt)
        #expect(try await house.accounts.account(ada.account).keyRotationAge.days == 7)
    }

    @Test("a rotation puts it off, and when it comes the key goes on") func rotation() async throws {
        let key = try await key(of: caller)
        house.hand.set(key.rotationDueAt)
        let fresh = try await house.session(of: ada)
        #expect(try await house.management.getCredential(fresh, key.credential.id).status == .active)
        let rotated = try await house.management.rotateCredential(fresh, key.credential.id, overlap: 60).key
        #expect(rotated.rotationDueAt == house.hand.now.adding(.seconds(180 * 86_400)))
        #expect(try await due(key, of: fresh) == rotated.rotationDueAt)
    }

    @Test("a rotation whose answer could not be made has not happened: its secret would be nobody's")
    func unanswered() async throws {
        let chat = try ChatSettings(model: good("echo"), allowedModels: nil, systemPrompt: nil, parameters: .none)
        let account = try #require(caller.actor?.account)
        let app = try await house.applications.create(
            ApplicationDraft(name: good("Cat"), chat: chat), in: account, by: .test)
        let issued = try await house.management.createCredential(
            caller, CredentialDraft(application: app.id, name: .empty, terms: KeyTerms()))
        let id = issued.key.credential.id
        let report = LeakReport(token: nil, credential: id, action: .rotate, source: nil)
        try await house.database.write { try $0.run("ALTER TABLE credential_usage RENAME TO away") }
        await #expect(throws: Refusal.self) {
            try await house.management.rotateCredential(caller, id, overlap: 0)
        }
        await #expect(throws: Refusal.self) { try await house.management.reportLeak(caller, report) }
        try await house.database.write { try $0.run("ALTER TABLE away RENAME TO credential_usage") }
        let key = try await house.credentials.find(id, of: account)
        #expect(key.secret.id == issued.key.credential.secret.id && key.isEnabled)
    }

    @Test("the age changes without the copies of keys, each change is an entry, and no change is none") func entries()
        async throws
    {
        let key = try await key(of: caller, isRevealable: true)
        func entries() async throws -> [[String: String]] {
            try await house.audit.entries(AuditFilter(account: ada.account), Page()).items.filter {
                $0.action == .accountKeyPolicy
            }
            .map(\.detail)
        }
        for _ in 0..<2 {
            let edit = KeyPolicyEdit(keyRotationAge: KeyRotationAge(3650))
            _ = try await house.management.updateKeyPolicy(caller, ada.account, edit)
            _ = try await house.management.updateKeyPolicy(caller, ada.account, KeyPolicyEdit())
        }
        #expect(try await entries() == [["key_rotation_age_days": "3650"]])
        #expect(
            try await house.management.getCredential(caller, key.credential.id).credential.reveal == .available)
        let both = KeyPolicyEdit(allowsRevealableKeys: false, keyRotationAge: KeyRotationAge(1))
        _ = try await house.management.updateKeyPolicy(caller, ada.account, both)
        #expect(try await entries()[0] == ["key_rotation_age_days": "1", "revealable": "false"])
        #expect(try await house.management.getCredential(caller, key.credential.id).credential.reveal == .showOnce)
        // What an admin changes leaves it as it is.
        var edit = AccountEdit()
        edit.name = try good("Ada & Co")
        #expect(try await house.accounts.edit(ada.account, edit, by: .test).keyRotationAge.days == 1)
    }
}
