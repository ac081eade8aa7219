import Accounts
import Audit
import Credentials
import Policy
import Secrets
import TestSupport
import Testing
import Values

/// What is done about a secret that was found where it must not be (ASVS 13.3.4, 14.2.4).
@Suite("Reported leaks")
struct LeakTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    private func disable(_ credential: Credential, source: String = "") async throws -> Credential {
        try await house.credentials.disable(
            leaked: credential.id, of: credential.account, source: good(source), by: .test)
    }

    private func found(_ token: String, with credentials: Credentials? = nil) async throws -> Identifier? {
        do {
            return try await (credentials ?? house.credentials).find(leaked: token, of: house.ada.account).id
        } catch CredentialsError.notFound {
            return nil
        }
    }

    @Test("a found token is the live key that it opens, by either of its secrets, and nobody else's") func find()
        async throws
    {
        let old = try await house.issue()
        let new = try await house.rotate(old.credential, overlap: 60)
        for key in [old.key, new.key] { #expect(try await found(key) == old.credential.id) }
        let bob = try await house.bob()
        await #expect(throws: CredentialsError.notFound) {
            try await house.credentials.find(leaked: new.key, of: bob.account)
        }
        house.hand.advance(.seconds(60))
        #expect(try await found(old.key) == nil)
        #expect(try await found(new.key) == old.credential.id)
        try await house.delete(old.credential)
        #expect(try await found(new.key) == nil)
    }

    @Test("what only looks like a key is none, and costs no Argon2id") func forged() async throws {
        let made = try await house.issue()
        let strangers = DeploymentSecrets(master: Secret("other"), pepper: Secret("other"))
        let forged = try TokenFormat(prefix: "sk-", keys: strangers).mint(.system).secret.exposed()
        let unknown = try TokenFormat(prefix: "sk-", keys: .test).mint(.system).secret.exposed()
        let cold = try house.restarted(pool: TestPool.stopped)
        for text in ["", "sk-", forged, unknown, made.key + "x", String(made.key.dropLast())] {
            #expect(try await found(text, with: cold) == nil)
        }
        await #expect(throws: Argon2Failure.stopped) { try await found(made.key, with: cold) }
    }

    @Test("a leak that switches off stops the next call, is written down with its source, and lasts") func disabling()
        async throws
    {
        let made = try await house.issue()
        #expect(try await !house.credentials.verify(made.key, at: house.hand.now).facts.isDisabled)
        let before = try await house.entries().count
        let reported = try await disable(made.credential, source: "a public repository")
        #expect(!reported.isEnabled)
        #expect(reported.leakReportedAt == house.hand.now)
        #expect(try await house.credentials.verify(made.key, at: house.hand.now).facts.isDisabled)
        house.hand.advance(.seconds(5))
        // A report that is repeated writes nothing, from wherever.
        let again = try await disable(made.credential, source: "another repository")
        #expect(again.leakReportedAt == reported.leakReportedAt && again.updatedAt == reported.updatedAt)
        let enabled = try await house.edit(made.credential) { $0.isEnabled = true }
        #expect(enabled.leakReportedAt == reported.leakReportedAt)
        let anew = try await disable(made.credential)
        #expect(anew.leakReportedAt == house.hand.now)
        let entries = Array(try await house.entries().dropLast(before))
        #expect(
            entries.map(\.action.rawValue) == [
                "credential.disable", "credential.leak", "credential.enable", "credential.disable", "credential.leak",
            ])
        #expect(entries.map(\.detail) == [[:], [:], [:], [:], ["source": "a public repository"]])
    }

    @Test("a leak that rotates is one act: the old secret ends at once, the key works on, nothing is left open")
    func rotating() async throws {
        let made = try await house.issue()
        let before = try await house.entries().count
        let (rotated, secret) = try await house.credentials.rotate(
            made.credential.id, of: made.credential.account, overlap: .zero, leak: good("a log"), by: .test)
        #expect(rotated.leakReportedAt == nil)
        #expect(rotated.isEnabled)
        #expect(try await !house.opens(made.key))
        #expect(try await house.opens(secret.exposed()))
        let entries = Array(try await house.entries().dropLast(before))
        #expect(entries.map(\.action.rawValue) == ["credential.rotate", "credential.leak"])
        #expect(entries.last?.detail == ["source": "a log"])
    }

    @Test("a report stands for as long as a secret works that was there at the time") func stands() async throws {
        let made = try await house.issue()
        _ = try await disable(made.credential)
        let reported = house.hand.now
        house.hand.advance(.seconds(1))
        #expect(try await house.rotate(made.credential, overlap: 60).credential.leakReportedAt == reported)
        #expect(try await house.find(made.credential).leakReportedAt == reported)
        house.hand.advance(.seconds(60) - .microseconds(1))
        #expect(try await house.find(made.credential).leakReportedAt == reported)
        house.hand.advance(.microseconds(1))
        #expect(try await house.find(made.credential).leakReportedAt == nil)
        // Retiring early ends it as well, and so does a rotation without an overlap.
        for isRetired in [true, false] {
            _ = try await disable(made.credential)
            house.hand.advance(.seconds(1))
            _ = try await house.rotate(made.credential, overlap: 60)
            #expect(try await house.find(made.credential).leakReportedAt != nil)
            if isRetired {
                #expect(try await house.retire(made.credential).leakReportedAt == nil)
            } else {
                #expect(try await house.rotate(made.credential).credential.leakReportedAt == nil)
            }
            #expect(try await house.find(made.credential).leakReportedAt == nil)
        }
    }

    @Test("a report that comes while a secret retires stands beyond it: it may be the new one") func duringOverlap()
        async throws
    {
        let made = try await house.issue()
        _ = try await house.rotate(made.credential, overlap: 60)
        house.hand.advance(.seconds(1))
        _ = try await disable(made.credential)
        let reported = house.hand.now
        let before = try await house.entries().count
        house.hand.advance(.seconds(1))
        _ = try await disable(made.credential)
        #expect(try await house.entries().count == before)
        #expect(try await house.retire(made.credential).leakReportedAt == reported)
        #expect(try await house.find(made.credential).leakReportedAt == reported)
    }

    @Test("a key is found in any text, and only a key") func isKeyIn() async throws {
        let made = try await house.issue()
        for text in [made.key, "key=\(made.key);", "x\n\(made.key)\n"] { #expect(house.credentials.isKeyIn(text)) }
        for text in ["", "sk-", "Production", String(made.key.dropLast()), made.credential.hint] {
            #expect(!house.credentials.isKeyIn(text))
        }
    }

    @Test("a leak of a secret that was made while the clock was ahead shows") func clockAhead() async throws {
        let old = try await house.issue()
        let now = house.hand.now
        house.hand.set(now.adding(.seconds(365 * 86_400)))
        let new = try await house.rotate(old.credential)
        house.hand.set(now)
        _ = try await disable(new.credential)
        let before = try await house.entries().count
        house.hand.advance(.seconds(1))
        _ = try await disable(new.credential)
        #expect(try await house.entries().count == before)
        #expect(try await house.find(old.credential).leakReportedAt == now)
    }
}
