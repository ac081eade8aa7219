import Applications
import Audit
import Credentials
import Policy
import TestSupport
import Testing
import Values

/// What an account tells its keys apart by: kept in order, changed as a whole, told in the record, and without effect on
/// calls.
@Suite("Labels and environment of keys")
struct KeyLabelTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    private func issue(_ labels: [String], _ environment: String? = nil) async throws -> Credential {
        let draft = CredentialDraft(
            application: house.cat.id, name: .empty, terms: KeyTerms(), labels: try labels.map { try good($0) },
            environment: try environment.map { try good($0) })
        return try await house.credentials.issue(draft, by: house.ada, .test).0
    }

    @Test("a word begins with a letter or a digit and has no more than 32 bytes of the alphabet")
    func form() {
        for word in ["a", "9", "web-2.eu_west", "production", String(repeating: "x", count: 32)] {
            #expect(KeyLabel(word)?.text == word && KeyEnvironment(word)?.text == word, "\(word)")
        }
        for word in [
            "", "A", "Web", "-a", ".a", "_a", " a", "a ", "a b", "a,b", "a%", "a/b", "é", "a\u{301}", "a\u{0}", "a\n",
            "\u{ff41}", String(repeating: "x", count: 33),
        ] {
            #expect(KeyLabel(word) == nil && KeyEnvironment(word) == nil, "\(word)")
        }
        for word in KeyEnvironment.usual { #expect(KeyEnvironment(word) != nil) }
    }

    @Test("a new key has them once each and in order; its entry has them where there are any") func creation()
        async throws
    {
        let made = try await issue(["web", "shop", "web", "9"], "testing")
        #expect(made.labels == ["9", "shop", "web"] && made.environment == "testing")
        let found = try await house.restarted().find(made.id, of: made.account)
        #expect(found.labels == made.labels && found.environment == "testing")
        let detail = try await house.entries()[0].detail
        #expect(detail["labels"] == "9 shop web" && detail["environment"] == "testing")
        let plain = try await issue([])
        #expect(plain.labels == [] && plain.environment == nil)
        #expect(try await house.entries()[0].detail.keys.sorted() == ["application_id", "name"])
    }

    @Test("an edit sets them as a whole and leaves them where it says nothing; the entry says what came and what went")
    func edits() async throws {
        let made = try await issue(["shop", "web"], "testing")
        house.hand.advance(.seconds(1))
        let renamed = try await house.edit(made) { $0.name = try good("New") }
        #expect(renamed.labels == ["shop", "web"] && renamed.environment == "testing")
        let edited = try await house.edit(made) {
            $0.labels = try ["web", "eu", "web"].map { try good($0) }
            $0.environment = .some(try good("production"))
        }
        #expect(edited.labels == ["eu", "web"] && edited.environment == "production")
        #expect(try await house.entries()[0].detail == ["labels": "+eu -shop", "environment": "production"])
        let count = try await house.entries().count
        house.hand.advance(.seconds(1))
        let same = try await house.edit(made) {
            $0.labels = try ["eu", "web"].map { try good($0) }
            $0.environment = .some(try good("production"))
        }
        #expect(same.updatedAt == edited.updatedAt)
        #expect(try await house.entries().count == count)
        let cleared = try await house.edit(made) {
            $0.labels = []
            $0.environment = .some(nil)
        }
        #expect(cleared.labels == [] && cleared.environment == nil)
        #expect(try await house.entries()[0].detail == ["labels": "-eu -web", "environment": "null"])
    }

    @Test("a rotation keeps them") func rotation() async throws {
        let made = try await issue(["shop"], "testing")
        let rotated = try await house.rotate(made, overlap: 60).credential
        #expect(rotated.labels == ["shop"] && rotated.environment == "testing")
        #expect(try await house.find(made).labels == ["shop"])
    }

    @Test("an edit that sets one of them does more than switch the key off") func brake() throws {
        var edit = CredentialEdit()
        edit.isEnabled = false
        #expect(edit.isBrake)
        edit.labels = []
        #expect(!edit.isBrake)
        edit.labels = nil
        edit.environment = .some(nil)
        #expect(!edit.isBrake)
    }
}
