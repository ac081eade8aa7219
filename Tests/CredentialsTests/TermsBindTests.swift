import Accounts
import Applications
import Audit
import Catalog
import Credentials
import Policy
import Secrets
import TestSupport
import Testing
import Values

/// What is changed of a key's terms binds its very next call, with either of its secrets (ASVS 8.3.2).
@Suite("Edits that bind the next call")
struct TermsBindTests {
    private let house: KeysHouse

    init() async throws {
        house = try await KeysHouse()
        _ = try await house.catalog.createGroup(good("cheap"), .one, by: .test)
        var edit = AccountEdit()
        edit.groups = [try good("cheap")]
        _ = try await house.accounts.edit(house.ada.account, edit, by: .test)
    }

    struct Term: Sendable, CustomTestStringConvertible {
        let name: String
        let set: @Sendable (inout CredentialEdit) throws -> Void
        let clear: @Sendable (inout CredentialEdit) -> Void
        let isSet: @Sendable (KeyFacts) -> Bool
        var testDescription: String { name }
    }

    static let table = [
        Term(
            name: "enabled", set: { $0.isEnabled = false }, clear: { $0.isEnabled = true }, isSet: { $0.isDisabled }),
        Term(
            name: "expiry", set: { $0.expiresAt = .some(KeysHouse.noon.adding(.seconds(60))) },
            clear: { $0.expiresAt = .some(nil) },
            isSet: { $0.terms.expiresAt == KeysHouse.noon.adding(.seconds(60)) }),
        Term(
            name: "models", set: { $0.models = .some([try good("echo")]) }, clear: { $0.models = .some(nil) },
            isSet: { $0.terms.models == ["echo"] }),
        Term(
            name: "addresses", set: { $0.addresses = .some([try good("192.0.2.7"), try good("2001:db8::1/32")]) },
            clear: { $0.addresses = .some(nil) },
            isSet: { $0.terms.addresses?.map(\.text) == ["192.0.2.7", "2001:db8::/32"] }),
        Term(
            name: "host", set: { $0.host = .some(try good("App.Example")) }, clear: { $0.host = .some(nil) },
            isSet: { $0.terms.host?.text == "app.example" }),
        Term(
            name: "group", set: { $0.group = .some(try good("cheap")) }, clear: { $0.group = .some(nil) },
            isSet: { $0.terms.group == "cheap" }),
    ]

    @Test("each term, set and taken away, in memory and after a restart, for both secrets", arguments: table)
    func binds(term: Term) async throws {
        let old = try await house.issue()
        let new = try await house.rotate(old.credential, overlap: 3600)
        let house = house
        func isSet(with credentials: Credentials) async throws -> [Bool] {
            var found: [Bool] = []
            for key in [old.key, new.key] {
                found.append(term.isSet(try await credentials.verify(key, at: house.hand.now).facts))
            }
            return found
        }
        #expect(try await isSet(with: house.credentials) == [false, false])
        let changed = try await house.edit(old.credential, term.set)
        #expect(term.isSet(changed.facts))
        #expect(term.isSet(try await house.find(old.credential).facts))
        #expect(try await isSet(with: house.credentials) == [true, true])
        #expect(try await isSet(with: house.restarted()) == [true, true])
        let cleared = try await house.edit(old.credential, term.clear)
        #expect(!term.isSet(cleared.facts))
        #expect(try await isSet(with: house.credentials) == [false, false])
    }

    @Test("each term of a new key is there with its first call") func created() async throws {
        let terms = KeyTerms(
            expiresAt: house.hand.now.adding(.seconds(60)), group: "cheap", models: ["echo", "echo"],
            addresses: try ["192.0.2.0/24", "192.0.2.9/24", "::ffff:192.0.2.0/120"].map { try good($0) },
            host: try good("app.example"))
        let (credential, secret) = try await house.credentials.issue(
            CredentialDraft(application: house.cat.id, name: .empty, terms: terms), by: house.ada, .test)
        for credentials in [house.credentials, try house.restarted()] {
            let facts = try await credentials.verify(secret.exposed(), at: house.hand.now).facts
            #expect(facts.terms == credential.terms)
            // Once each: what differs in spelling alone is the same block.
            #expect(facts.terms.models == ["echo"])
            #expect(facts.terms.addresses?.map(\.text) == ["192.0.2.0/24"])
        }
    }

    @Test("a model that the app may not use is refused, and changes nothing") func models() async throws {
        let made = try await house.issue()
        await #expect(throws: CredentialsError.modelNotOfApplication(index: 1)) {
            try await house.edit(made.credential) { $0.models = .some([try good("echo"), try good("other")]) }
        }
        await #expect(throws: CredentialsError.modelNotOfApplication(index: 0)) {
            try await house.credentials.issue(
                CredentialDraft(application: house.cat.id, name: .empty, terms: KeyTerms(models: ["other"])),
                by: house.ada, .test)
        }
        #expect(try await house.find(made.credential).terms.models == nil)
    }

    @Test("switching off and on are entries of their own, once each, beside what else was changed") func audited()
        async throws
    {
        let made = try await house.issue()
        let before = try await house.entries().count
        try await house.edit(made.credential) {
            $0.isEnabled = false
            $0.name = try good("Off")
            $0.host = .some(nil)
        }
        try await house.edit(made.credential) { $0.isEnabled = false }
        try await house.edit(made.credential) { $0.isEnabled = true }
        let entries = Array(try await house.entries().dropLast(before))
        #expect(entries.map(\.action.rawValue) == ["credential.enable", "credential.disable", "credential.edit"])
        #expect(entries.last?.detail == ["name": "Off"])
    }
}
