import Accounts
import Applications
import Audit
import Credentials
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

/// A new secret for the same key, while the old one still works or at once (ASVS 9.2.1, 13.3.4).
@Suite("Rotating keys")
struct RotationTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    private func opens(_ keys: String...) async throws -> [Bool] {
        var opens: [Bool] = []
        for key in keys { opens.append(try await house.opens(key)) }
        return opens
    }

    @Test("the old secret works until the overlap ends, to the microsecond, in memory and after a restart")
    func overlap() async throws {
        let old = try await house.issue()
        #expect(try await house.opens(old.key))
        let new = try await house.rotate(old.credential, overlap: 60)
        let end = house.hand.now.adding(.seconds(60))
        #expect(new.credential.retiring?.endsAt == end)
        house.hand.set(Timestamp(microseconds: end.microseconds - 1))
        #expect(try await opens(old.key, new.key) == [true, true])
        let restarted = try house.restarted()
        #expect(try await house.opens(old.key, with: restarted))
        house.hand.set(end)
        #expect(try await opens(old.key, new.key) == [false, true])
        for credentials in [restarted, try house.restarted()] {
            #expect(try await !house.opens(old.key, with: credentials))
            #expect(try await house.opens(new.key, with: credentials))
        }
        #expect(try await house.find(old.credential).retiring == nil)
    }

    @Test("the longest overlap is thirty days, and it ends then") func longest() async throws {
        let old = try await house.issue()
        let new = try await house.rotate(old.credential, overlap: 30 * 86_400)
        #expect(Credentials.longestOverlap == .seconds(30 * 86_400))
        house.hand.advance(Credentials.longestOverlap - .microseconds(1))
        #expect(try await opens(old.key, new.key) == [true, true])
        house.hand.advance(.microseconds(1))
        #expect(try await opens(old.key, new.key) == [false, true])
    }

    @Test("without an overlap every older secret ends at once") func noOverlap() async throws {
        let first = try await house.issue()
        let second = try await house.rotate(first.credential, overlap: 3600)
        #expect(try await opens(first.key, second.key) == [true, true])
        let third = try await house.rotate(first.credential)
        #expect(try await opens(first.key, second.key, third.key) == [false, false, true])
        #expect(third.credential.retiring == nil)
        #expect(try await house.count("retiring_secrets") == 0)
    }

    @Test("at most one old secret works beside the new one") func oneRetiring() async throws {
        let first = try await house.issue()
        let second = try await house.rotate(first.credential, overlap: 60)
        let end = house.hand.now.adding(.seconds(60))
        house.hand.set(Timestamp(microseconds: end.microseconds - 1))
        await #expect(throws: CredentialsError.rotationInProgress(until: end)) {
            try await house.rotate(first.credential, overlap: 1)
        }
        #expect(try await opens(first.key, second.key) == [true, true])
        house.hand.set(end)
        let third = try await house.rotate(first.credential, overlap: 60)
        #expect(try await opens(first.key, second.key, third.key) == [false, true, true])
        #expect(try await house.count("retiring_secrets") == 1)
    }

    @Test("it stays the same key: id, app, terms, history; only the secret and its hint are new") func sameKey()
        async throws
    {
        let made = try await house.issue(until: house.hand.now.adding(.seconds(86_400)))
        let old = try await house.edit(made.credential) {
            $0.name = try good("Production")
            $0.creditLimit = .some(Credits(micro: 7))
            $0.host = .some(try good("app.example"))
            $0.isEnabled = false
        }
        house.hand.advance(.seconds(5))
        let rotated = try await house.rotate(old, overlap: 60)
        let new = try await house.find(old)
        for credential in [rotated.credential, new] {
            #expect(credential.id == old.id)
            #expect(credential.application == old.application)
            #expect(credential.name == "Production")
            #expect(credential.terms == old.terms)
            #expect(!credential.isEnabled)
            #expect(credential.createdAt == old.createdAt)
            #expect(credential.updatedAt == house.hand.now)
            #expect(credential.secret.createdAt == house.hand.now)
            #expect(credential.secret.lastUsedAt == nil)
            #expect(credential.hint != old.hint)
            #expect(credential.retiring?.hint == old.hint)
            #expect(credential.retiring?.createdAt == old.createdAt)
        }
        for key in [made.key, rotated.key] {
            let record = try await house.credentials.verify(key, at: house.hand.now)
            #expect(record.credential == old.id)
            #expect(record.facts.isDisabled)
        }
        let entry = try #require(try await house.entries().first)
        #expect(entry.action == .credentialRotate)
        #expect(entry.detail == ["overlap_seconds": "60", "hint": rotated.credential.hint])
    }

    @Test("retiring ends the old secret at once; there is nothing to retire without one, or after its time")
    func retire()
        async throws
    {
        let old = try await house.issue()
        await #expect(throws: CredentialsError.nothingToRetire) { try await house.retire(old.credential) }
        let new = try await house.rotate(old.credential, overlap: 60)
        #expect(try await opens(old.key, new.key) == [true, true])
        #expect(try await house.retire(old.credential).retiring == nil)
        #expect(try await opens(old.key, new.key) == [false, true])
        await #expect(throws: CredentialsError.nothingToRetire) { try await house.retire(old.credential) }
        _ = try await house.rotate(old.credential, overlap: 60)
        house.hand.advance(.seconds(60))
        await #expect(throws: CredentialsError.nothingToRetire) { try await house.retire(old.credential) }
    }

    @Test("an old secret costs no Argon2id once its time is over, one that is left does") func noArgon2() async throws {
        let first = try await house.issue()
        let second = try await house.rotate(first.credential, overlap: 60)
        let cold = try house.restarted(pool: TestPool.stopped)
        await #expect(throws: Argon2Failure.stopped) { try await house.opens(first.key, with: cold) }
        house.hand.advance(.seconds(60))
        #expect(try await !house.opens(first.key, with: cold))
        await #expect(throws: Argon2Failure.stopped) { try await house.opens(second.key, with: cold) }
        // Also when nothing is left of it in the database.
        let third = try await house.rotate(first.credential)
        let colder = try house.restarted(pool: TestPool.stopped)
        for key in [first.key, second.key] { #expect(try await !house.opens(key, with: colder)) }
        await #expect(throws: Argon2Failure.stopped) { try await house.opens(third.key, with: colder) }
    }

    @Test("of many rotations at once without an overlap, one secret is left that works") func race() async throws {
        let first = try await house.issue()
        let house = house
        let keys = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { try await house.rotate(first.credential).key } }
            return try await group.reduce(into: [first.key]) { $0.append($1) }
        }
        var working: [String] = []
        for key in keys where try await house.opens(key) { working.append(key) }
        #expect(working.count == 1)
        let hint = try await house.find(first.credential).hint
        #expect(working.allSatisfy { $0.dropFirst(3).prefix(3) == hint.dropFirst(3).prefix(3) })
    }

    @Test("a secret that is rotated away while its first Argon2id runs stays dead") func whileHashing() async throws {
        let house = house
        let old = try await house.issue()
        for round in 0..<5 {
            let credentials = try house.restarted()
            let (rotated, secret) = try await house.credentials.rotate(
                old.credential.id, of: old.credential.account, overlap: .zero, by: .test)
            let first = Task { try await house.opens(secret.exposed(), with: credentials) }
            try await Task.sleep(for: .milliseconds(round * 4))
            let (_, latest) = try await credentials.rotate(
                rotated.id, of: rotated.account, overlap: .zero, by: .test)
            #expect(try await !house.opens(secret.exposed(), with: credentials))
            _ = try await first.value
            #expect(try await !house.opens(secret.exposed(), with: credentials))
            #expect(try await house.opens(latest.exposed(), with: credentials))
        }
    }

    @Test("deleting a key ends both of its secrets, and nothing of either is left to check against") func delete()
        async throws
    {
        let old = try await house.issue()
        let new = try await house.rotate(old.credential, overlap: 60)
        #expect(try await opens(old.key, new.key) == [true, true])
        try await house.delete(old.credential)
        #expect(try await opens(old.key, new.key) == [false, false])
        #expect(try await house.count("retiring_secrets") == 0)
        for key in [old.key, new.key] { #expect(try await !house.opens(key, with: house.restarted())) }
    }

    @Test("another account's, a deleted and an absent key are not found") func notFound() async throws {
        let bob = try await house.bob()
        let made = try await house.issue()
        let deleted = try await house.issue().credential
        try await house.delete(deleted)
        let absent = Identifier(at: house.hand.now, random: (7, 7))
        let account = house.ada.account
        for (id, account) in [(made.credential.id, bob.account), (deleted.id, account), (absent, account)] {
            await #expect(throws: CredentialsError.notFound) {
                try await house.credentials.rotate(id, of: account, overlap: .zero, by: .test)
            }
            await #expect(throws: CredentialsError.notFound) {
                try await house.credentials.retire(id, of: account, by: .test)
            }
        }
        #expect(try await house.opens(made.key))
    }

    @Test("a rotation whose entry can't be written is none: the old secret works on, and none is counted") func whole()
        async throws
    {
        let old = try await house.issue()
        try await house.tamper("CREATE TRIGGER fault BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'refused'); END")
        await #expect(throws: DatabaseFailure.constraint) { try await house.rotate(old.credential, overlap: 60) }
        try await house.tamper("DROP TRIGGER fault")
        #expect(try await house.opens(old.key))
        #expect(try await house.find(old.credential).retiring == nil)
        let rotated = try await house.database.read {
            try $0.row("SELECT rotated FROM credential_days")?.integer("rotated")
        }
        #expect(rotated == 0)
    }

    @Test("an overlap that a clock began while it was ahead ends: none lasts longer than thirty days") func clockAhead()
        async throws
    {
        let old = try await house.issue()
        let now = house.hand.now
        house.hand.set(now.adding(.seconds(365 * 86_400)))
        let new = try await house.rotate(old.credential, overlap: 3600)
        #expect(try await opens(old.key, new.key) == [true, true])
        house.hand.set(now)
        for credentials in [house.credentials, try house.restarted()] {
            #expect(try await !house.opens(old.key, with: credentials))
            #expect(try await house.opens(new.key, with: credentials))
        }
        #expect(try await house.find(old.credential).retiring == nil)
        #expect(try await house.count("retiring_secrets") == 1)
        try await house.credentials.recordUses()
        #expect(try await house.count("retiring_secrets") == 0)
    }
}
