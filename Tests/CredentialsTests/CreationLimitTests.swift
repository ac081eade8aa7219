import Accounts
import Applications
import Credentials
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

@Suite("Limits on creating keys")
struct CreationLimitTests {
    private let house: KeysHouse
    private let midnight = Timestamp(microseconds: KeysHouse.noon.microseconds + 43_200_000_000)

    init() async throws { house = try await KeysHouse() }

    /// Creates so many keys and deletes each.
    private func spend(_ count: Int) async throws {
        for _ in 0..<count { try await house.delete(house.issue().credential) }
    }

    @Test("deleting a key gives no creation back") func deleteThenCreate() async throws {
        try await spend(10)
        #expect(try await house.credentials.list(of: house.ada.account).items.isEmpty)
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 43_200)) {
            try await house.issue()
        }
    }

    @Test("deleting the app gives no creation back either") func deleteApp() async throws {
        let dog = try await house.app("Dog", of: house.ada)
        for _ in 0..<10 { _ = try await house.issue(for: dog) }
        try await house.credentials.deleteApplication(dog.id, of: house.ada.account, andCredentials: true, by: .test)
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 43_200)) {
            try await house.issue()
        }
    }

    @Test("the day turns at midnight UTC, to the microsecond") func midnightTurns() async throws {
        house.hand.set(Timestamp(microseconds: midnight.microseconds - 1))
        try await spend(10)
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 1)) { try await house.issue() }
        house.hand.set(midnight)
        try await spend(10)
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 86_400)) {
            try await house.issue()
        }
    }

    @Test("a clock that steps back over midnight opens no second day") func clockStepsBack() async throws {
        house.hand.set(midnight)
        try await spend(4)
        house.hand.advance(.seconds(-60))
        try await spend(6)
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 86_460)) {
            try await house.issue()
        }
        house.hand.set(midnight.adding(.seconds(60)))
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 86_340)) {
            try await house.issue()
        }
        house.hand.set(midnight.adding(.seconds(86_400)))
        _ = try await house.issue()
    }

    @Test("the count of the day outlives a restart") func restart() async throws {
        try await spend(10)
        let restarted = try house.restarted()
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 43_200)) {
            try await house.issue(with: restarted)
        }
    }

    @Test("an expired key frees its slot at the very instant, a deleted one at once") func slots() async throws {
        try await house.cap(3)
        let end = house.hand.now.adding(.seconds(3600))
        _ = try await house.issue(until: end)
        _ = try await house.issue()
        let third = try await house.issue()
        await #expect(throws: CredentialsError.capReached(3)) { try await house.issue() }
        house.hand.set(Timestamp(microseconds: end.microseconds - 1))
        await #expect(throws: CredentialsError.capReached(3)) { try await house.issue() }
        house.hand.set(end)
        _ = try await house.issue()
        await #expect(throws: CredentialsError.capReached(3)) { try await house.issue() }
        try await house.delete(third.credential)
        _ = try await house.issue()
    }

    @Test("a lower cap takes no key away; it only stops new ones until enough are gone") func lowerCap() async throws {
        var keys: [(credential: Credential, key: String)] = []
        for _ in 0..<5 { keys.append(try await house.issue()) }
        try await house.cap(3)
        for key in keys { #expect(try await house.opens(key.key)) }
        for _ in 0..<3 {
            await #expect(throws: CredentialsError.capReached(3)) { try await house.issue() }
            try await house.delete(keys.removeLast().credential)
        }
        _ = try await house.issue()
        await #expect(throws: CredentialsError.capReached(3)) { try await house.issue() }
        try await house.cap(4)
        _ = try await house.issue()
    }

    @Test("an expiry must be later than now") func expiryInPast() async throws {
        let now = house.hand.now
        for past in [now, now.adding(.microseconds(-1)), Timestamp(microseconds: 0)] {
            await #expect(throws: CredentialsError.expiryInPast) { try await house.issue(until: past) }
        }
        _ = try await house.issue(until: now.adding(.microseconds(1)))
    }

    @Test("a refused request costs no Argon2id, and a failed one no creation") func refusedCheaply() async throws {
        let stopped = try house.restarted(pool: TestPool.stopped)
        for _ in 0..<12 {
            await #expect(throws: Argon2Failure.stopped) { try await house.issue(with: stopped) }
        }
        for _ in 0..<10 { _ = try await house.issue() }
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 43_200)) {
            try await house.issue(with: stopped)
        }
    }

    @Test("an app of another account, a deleted and an absent one are the same: no such application") func noApp()
        async throws
    {
        let bob = try await house.bob()
        let foreign = try await house.app("Dog", of: bob)
        let deleted = try await house.app("Fox", of: house.ada)
        try await house.credentials.deleteApplication(
            deleted.id, of: house.ada.account, andCredentials: false, by: .test)
        let absent = Identifier(at: house.hand.now, random: (7, 7))
        for id in [foreign.id, deleted.id, absent] {
            let draft = CredentialDraft(application: id, name: .empty, terms: KeyTerms())
            await #expect(throws: CredentialsError.noSuchApplication) {
                try await house.credentials.issue(draft, by: house.ada, .test)
            }
        }
        // Nor does a spent day tell them apart.
        try await spend(10)
        let draft = CredentialDraft(application: foreign.id, name: .empty, terms: KeyTerms())
        await #expect(throws: CredentialsError.noSuchApplication) {
            try await house.credentials.issue(draft, by: house.ada, .test)
        }
    }

    @Test("a day that a clock counted while it was far ahead does not last until it comes") func clockAhead()
        async throws
    {
        house.hand.set(midnight.adding(.seconds(365 * 86_400)))
        try await spend(10)
        house.hand.set(midnight.adding(.seconds(365 * 86_400 - 1)))
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 86_401)) {
            try await house.issue()
        }
        house.hand.set(midnight)
        try await spend(10)
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 86_400)) {
            try await house.issue()
        }
    }
}
