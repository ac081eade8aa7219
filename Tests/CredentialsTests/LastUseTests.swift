import Accounts
import Database
import Secrets
import TestSupport
import Testing
import Values

@testable import Credentials

/// When each secret was last used: noted for every call, written down every few seconds, never lost and never earlier.
@Suite("Last uses")
struct LastUseTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    private func lastUse(_ credential: Credential) async throws -> Timestamp? {
        try await house.find(credential).secret.lastUsedAt
    }

    /// As the database alone knows it.
    private func stored(_ credential: Credential) async throws -> Timestamp? {
        try await house.restarted().find(credential.id, of: credential.account).secret.lastUsedAt
    }

    @Test("a use shows at once, in the list too, and is in the database when uses are written down") func noted()
        async throws
    {
        let made = try await house.issue()
        #expect(try await lastUse(made.credential) == nil)
        _ = try await house.credentials.verify(made.key, at: house.hand.now)
        #expect(try await lastUse(made.credential) == nil)
        try await house.use(made.key)
        let first = house.hand.now
        #expect(try await lastUse(made.credential) == first)
        let listed = try await house.credentials.list(of: house.ada.account).items
        #expect(listed.map(\.secret.lastUsedAt) == [first])
        #expect(try await stored(made.credential) == nil)
        try await house.credentials.recordUses()
        #expect(try await stored(made.credential) == first)
        house.hand.advance(.seconds(9))
        try await house.use(made.key)
        #expect(try await lastUse(made.credential) == first.adding(.seconds(9)))
        try await house.credentials.recordUses()
        #expect(try await stored(made.credential) == first.adding(.seconds(9)))
    }

    @Test("it never goes back, in memory or in the database, when a clock does") func neverBack() async throws {
        let made = try await house.issue()
        let late = house.hand.now.adding(.seconds(60))
        house.hand.set(late)
        try await house.use(made.key)
        house.hand.advance(.seconds(-30))
        try await house.use(made.key)
        #expect(try await lastUse(made.credential) == late)
        try await house.credentials.recordUses()
        try await house.use(made.key)
        #expect(try await lastUse(made.credential) == late)
        try await house.credentials.recordUses()
        #expect(try await lastUse(made.credential) == late)
        #expect(try await stored(made.credential) == late)
    }

    @Test("each secret of a key has its own") func perSecret() async throws {
        let old = try await house.issue()
        try await house.use(old.key)
        let before = house.hand.now
        let new = try await house.rotate(old.credential, overlap: 3600)
        #expect(new.credential.secret.lastUsedAt == nil)
        #expect(new.credential.retiring?.lastUsedAt == before)
        house.hand.advance(.seconds(10))
        try await house.use(old.key)
        house.hand.advance(.seconds(10))
        try await house.use(new.key)
        for isWritten in [false, true] {
            if isWritten { try await house.credentials.recordUses() }
            let found = try await house.find(old.credential)
            #expect(found.secret.lastUsedAt == before.adding(.seconds(20)))
            #expect(found.retiring?.lastUsedAt == before.adding(.seconds(10)))
        }
        let stored = try await house.restarted().find(old.credential.id, of: old.credential.account)
        #expect(stored.secret.lastUsedAt == before.adding(.seconds(20)))
        #expect(stored.retiring?.lastUsedAt == before.adding(.seconds(10)))
    }

    /// Of the key, as the database alone knows it.
    private func storedOfKey(_ credential: Credential) async throws -> Timestamp? {
        try await house.restarted().find(credential.id, of: credential.account).lastUsedAt
    }

    @Test("that of the key is the latest of all its secrets, past ones too") func ofKey() async throws {
        let old = try await house.issue()
        #expect(old.credential.lastUsedAt == nil)
        try await house.use(old.key)
        #expect(try await house.find(old.credential).lastUsedAt == house.hand.now)
        let new = try await house.rotate(old.credential, overlap: 3600)
        #expect(new.credential.lastUsedAt == house.hand.now)
        house.hand.advance(.seconds(10))
        try await house.use(new.key)
        house.hand.advance(.seconds(10))
        try await house.use(old.key)
        let last = house.hand.now
        for isWritten in [false, true] {
            if isWritten { try await house.credentials.recordUses() }
            #expect(try await house.find(old.credential).lastUsedAt == last)
        }
        #expect(try await storedOfKey(old.credential) == last)
        house.hand.advance(.seconds(1))
        // Noted, and not written down when the secret ends.
        try await house.use(old.key)
        #expect(try await house.retire(old.credential).lastUsedAt == last.adding(.seconds(1)))
        #expect(try await storedOfKey(old.credential) == last.adding(.seconds(1)))
        house.hand.advance(.seconds(1))
        try await house.use(new.key)
        let newest = try await house.rotate(old.credential).credential
        #expect(newest.secret.lastUsedAt == nil && newest.lastUsedAt == last.adding(.seconds(2)))
        try await house.credentials.recordUses()
        #expect(try await storedOfKey(old.credential) == last.adding(.seconds(2)))
    }

    @Test("by last use, keys show what they are ordered by") func ordered() async throws {
        let (one, other) = (try await house.issue(), try await house.issue())
        try await house.use(other.key)
        try await house.credentials.recordUses()
        house.hand.advance(.seconds(1))
        try await house.use(one.key)
        let sort = KeySort(.lastUse, isDescending: true)
        let before = try await house.credentials.list(of: house.ada.account, by: sort).items
        #expect(before.map(\.id) == [other.credential.id, one.credential.id])
        #expect(before.map { $0.lastUsedAt == nil } == [false, true])
        try await house.credentials.recordUses()
        let after = try await house.credentials.list(of: house.ada.account, by: sort).items
        #expect(after.map(\.id) == [one.credential.id, other.credential.id])
    }

    @Test("a use that is noted across an edit or a rotation is not lost") func acrossChanges() async throws {
        let old = try await house.issue()
        // A call that began before the change, and is let through after it.
        let record = try await house.credentials.verify(old.key, at: house.hand.now)
        let edited = try await house.edit(old.credential) { $0.name = try good("New") }
        #expect(edited.secret.lastUsedAt == nil)
        house.credentials.noteUse(of: record, at: house.hand.now)
        let first = house.hand.now
        house.hand.advance(.seconds(1))
        try await house.use(old.key)
        try await house.credentials.recordUses()
        #expect(try await stored(old.credential) == first.adding(.seconds(1)))
        house.hand.advance(.seconds(1))
        house.credentials.noteUse(of: record, at: house.hand.now)
        _ = try await house.rotate(old.credential, overlap: 60)
        try await house.credentials.recordUses()
        let found = try await house.find(old.credential)
        #expect(found.retiring?.lastUsedAt == first.adding(.seconds(2)))
        #expect(found.secret.lastUsedAt == nil)
    }

    @Test("when they can't be written down, they are with the next time, and show meanwhile") func failedWrite()
        async throws
    {
        let made = try await house.issue()
        try await house.use(made.key)
        let first = house.hand.now
        try await house.tamper(
            """
            CREATE TRIGGER fault BEFORE UPDATE OF last_used_at ON credentials
            BEGIN SELECT RAISE(ABORT, 'refused'); END
            """)
        await #expect(throws: DatabaseFailure.constraint) { try await house.credentials.recordUses() }
        #expect(try await lastUse(made.credential) == first)
        try await house.tamper("DROP TRIGGER fault")
        try await house.credentials.recordUses()
        #expect(try await stored(made.credential) == first)
    }

    @Test("writing them down clears away secrets whose time is over, and no others") func clears() async throws {
        let (one, other) = (try await house.issue(), try await house.issue())
        _ = try await house.rotate(one.credential, overlap: 60)
        _ = try await house.rotate(other.credential, overlap: 61)
        house.hand.advance(.seconds(60))
        try await house.credentials.recordUses()
        #expect(try await house.count("retiring_secrets") == 1)
        #expect(try await house.opens(other.key))
        #expect(try await !house.opens(one.key))
    }

    @Test("notes and writes at the same time lose nothing: the latest of each is written in the end") func concurrent()
        async throws
    {
        let uses = LastUses()
        let keys = try (0..<5).map { try #require(TokenID("00000000000\($0)")) }
        let written = await withTaskGroup(of: [TokenID: Timestamp].self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for turn in 0..<4000 {
                        let key = keys[(turn + worker) % keys.count]
                        uses.note(key, Timestamp(microseconds: Int64(turn * 4 + worker)))
                        if turn.isMultiple(of: 64) { await Task.yield() }
                    }
                    return [:]
                }
            }
            group.addTask {
                var written: [TokenID: Timestamp] = [:]
                var seen: [TokenID: Timestamp] = [:]
                for turn in 0..<400 {
                    let taken = uses.take()
                    for key in keys {
                        let latest = uses.latest(of: key, stored: written[key])
                        if let before = seen[key] { #expect(latest.map { $0 >= before } == true) }
                        seen[key] = latest
                    }
                    // Every third write fails.
                    if !turn.isMultiple(of: 3) { written.merge(taken, uniquingKeysWith: max) }
                    uses.wrote(!turn.isMultiple(of: 3))
                    await Task.yield()
                }
                return written
            }
            return await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: max) }
        }
        let all = written.merging(uses.take(), uniquingKeysWith: max)
        for (index, key) in keys.enumerated() {
            let latest = (0..<4).flatMap { worker in
                (0..<4000).filter { ($0 + worker) % keys.count == index }.map { $0 * 4 + worker }
            }.max()
            #expect(all[key]?.microseconds == latest.map(Int64.init))
        }
    }

    @Test("a use that was noted while the clock was ahead gives way to the next one, in memory and at rest")
    func clockAhead() async throws {
        let made = try await house.issue()
        let now = house.hand.now
        let ahead = now.adding(.seconds(365 * 86_400))
        for isWritten in [false, true] {
            house.hand.set(ahead)
            try await house.use(made.key)
            if isWritten { try await house.credentials.recordUses() }
            house.hand.set(now)
            try await house.use(made.key)
            #expect(try await lastUse(made.credential) == now)
            try await house.credentials.recordUses()
            #expect(try await lastUse(made.credential) == now)
            #expect(try await stored(made.credential) == now)
            #expect(try await house.find(made.credential).lastUsedAt == now)
            #expect(try await storedOfKey(made.credential) == now)
        }
    }

    @Test("a use before 1970 is one") func before1970() async throws {
        let made = try await house.issue()
        house.hand.set(Timestamp(microseconds: -5))
        try await house.use(made.key)
        try await house.credentials.recordUses()
        #expect(try await stored(made.credential) == Timestamp(microseconds: -5))
    }
}
