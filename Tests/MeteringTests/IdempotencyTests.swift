import Accounts
import Credentials
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Metering

@Suite("Calls that are repeated")
struct IdempotencyTests {
    private let house: MeteringHouse
    private let key: Credential
    private let planted = "planted-4a81-answer-of-the-customer"

    init() async throws {
        house = try await MeteringHouse()
        try await house.grant(1000)
        key = try await house.key()
    }

    private func mark(_ text: String = "order-1", body: String = "{}") -> IdempotencyKey {
        IdempotencyKey(text, body: Array(body.utf8))
    }

    private func answer(_ text: String) -> StoredAnswer { StoredAnswer(bytes: Array(text.utf8)) }

    /// The text of the stored answer that a repetition gets.
    private func replay(
        _ mark: IdempotencyKey, of key: Credential? = nil, by metering: Metering? = nil
    ) async throws -> String? {
        let ask = house.ask(key ?? self.key, idempotency: mark)
        guard case .answered(let stored) = try await house.outcome(of: ask, by: metering) else { return nil }
        return String(decoding: stored.bytes, as: UTF8.self)
    }

    @Test("the same key and body get the stored answer, and are charged once") func replayed() async throws {
        let hold = try await house.charged(key, idempotency: mark(), answer: answer("one"))
        for _ in 0..<3 { #expect(try await replay(mark()) == "one") }
        #expect(try await house.balance().usage == Usage(posted: Credits(20)))
        #expect(try await house.count("charges") == 1)
        // Another key or another body is another call.
        let other = try await house.charged(key, idempotency: mark("order-2"), answer: answer("two"))
        #expect(other.id != hold.id)
        #expect(try await replay(mark("order-2")) == "two")
        #expect(try await house.difference() == nil)
    }

    @Test("a repetition is refused as any call is, once the account is suspended or the key deleted")
    func stopped() async throws {
        _ = try await house.charged(key, idempotency: mark(), answer: answer("one"))
        try await house.suspend(house.ada.account)
        await #expect(throws: Denial.accountSuspended) { try await replay(mark()) }
        try await house.suspend(house.ada.account, false)
        #expect(try await replay(mark()) == "one")
        try await house.credentials.delete(key.id, of: key.account, by: .test)
        await #expect(throws: Denial.invalidKey) { try await replay(mark()) }
    }

    @Test("the stored answer outlives a restart") func restart() async throws {
        _ = try await house.charged(key, idempotency: mark(), answer: answer("one"))
        #expect(try await replay(mark(), by: house.restarted()) == "one")
    }

    @Test("while the first is under way, a second is told so; another body is told that first") func inFlight()
        async throws
    {
        let hold = try await house.hold(key, idempotency: mark())
        await #expect(throws: IdempotencyRefusal.inFlight) { try await house.hold(key, idempotency: mark()) }
        await #expect(throws: IdempotencyRefusal.otherBody) {
            try await house.hold(key, idempotency: mark(body: "[]"))
        }
        try await house.metering.charge(hold, answer: answer("one"))
        await #expect(throws: IdempotencyRefusal.otherBody) {
            try await house.hold(key, idempotency: mark(body: "[]"))
        }
        #expect(try await house.balance().usage == Usage(posted: Credits(20)))
    }

    @Test("one that is under way for longer than a day is still under way") func longInFlight() async throws {
        let hold = try await house.hold(key, idempotency: mark())
        house.hand.set(house.hand.now.adding(.seconds(2 * 86_400)))
        await #expect(throws: IdempotencyRefusal.inFlight) { try await house.hold(key, idempotency: mark()) }
        try await house.metering.charge(hold)
        #expect(try await house.difference() == nil)
    }

    @Test("what was charged without an answer to keep can't be replayed, and names its charge") func notReplayable()
        async throws
    {
        let hold = try await house.charged(key, idempotency: mark())
        await #expect(throws: IdempotencyRefusal.notReplayable(charge: hold.id)) {
            try await house.hold(key, idempotency: mark())
        }
        #expect(try await house.balance().usage == Usage(posted: Credits(20)))
    }

    @Test("a call that was not served frees its key: the next is the first") func freedByRelease() async throws {
        house.release(try await house.hold(key, idempotency: mark()))
        let second = try await house.hold(key, idempotency: mark(body: "[]"))
        try await house.metering.charge(second, answer: answer("two"))
        #expect(try await replay(mark(body: "[]")) == "two")
    }

    @Test("a call that was refused leaves its key free") func freedByRefusal() async throws {
        let poor = try await house.key(limit: .zero)
        await #expect(throws: Denial.creditLimitReached) { try await house.hold(poor, idempotency: mark()) }
        try await house.limit(poor, to: .some(nil))
        _ = try await house.hold(poor, idempotency: mark(body: "[]"))
    }

    @Test("a crash frees the keys of the calls that were under way, and of no other") func freedByCrash() async throws {
        _ = try await house.charged(key, idempotency: mark("served"), answer: answer("one"))
        _ = try await house.hold(key, idempotency: mark("open"))
        let restarted = house.restarted()
        #expect(try await replay(mark("served"), by: restarted) == "one")
        let again = try await house.outcome(
            of: house.ask(key, idempotency: mark("open", body: "[]")), by: restarted)
        guard case .held = again else { throw NotHeld() }
    }

    @Test("a call is remembered for 24 hours, to the microsecond, from when it was admitted") func expiry() async throws
    {
        let hold = try await house.hold(key, idempotency: mark())
        house.hand.set(house.hand.now.adding(.seconds(3600)))
        try await house.metering.charge(hold, answer: answer("one"))
        house.hand.set(Timestamp(microseconds: MeteringHouse.noon.microseconds + 86_399_999_999))
        #expect(try await replay(mark()) == "one")
        house.hand.set(Timestamp(microseconds: MeteringHouse.noon.microseconds + 86_400_000_000))
        let second = try await house.hold(key, idempotency: mark())
        #expect(second.id != hold.id)
        try await house.metering.charge(second, answer: answer("two"))
        #expect(try await replay(mark()) == "two")
        #expect(try await house.balance().usage == Usage(posted: Credits(40)))
    }

    @Test("what is older than a day goes with the calls that come after it, sixteen at a time") func cleanUp()
        async throws
    {
        for number in 0..<20 {
            _ = try await house.charged(key, idempotency: mark("old-\(number)"), answer: answer(""))
        }
        house.hand.set(house.hand.now.adding(.seconds(86_400)))
        _ = try await house.charged(key, idempotency: mark("new-1"))
        #expect(try await house.count("idempotent_calls") == 4 + 1)
        _ = try await house.charged(key, idempotency: mark("new-2"))
        #expect(try await house.count("idempotent_calls") == 2)
    }

    @Test("the same text with another key of the account is another call") func ofTheKey() async throws {
        _ = try await house.charged(key, idempotency: mark(), answer: answer("one"))
        let other = try await house.key()
        #expect(try await replay(mark(), of: other) == nil)
    }

    @Test("without an idempotency key nothing is kept, whatever the answer") func unmarked() async throws {
        _ = try await house.charged(key, answer: answer(planted))
        #expect(try await house.count("idempotent_calls") == 0)
        #expect(try !house.isOnDisk(planted))
    }

    @Test("neither the answer, nor the body, nor the key that the caller chose lies in a file") func atRest()
        async throws
    {
        let mark = mark("planted-5c-key", body: "planted-9d-body")
        _ = try await house.charged(key, idempotency: mark, answer: answer(planted))
        #expect(try await replay(mark) == planted)
        let sealed = try await house.database.read {
            try $0.row("SELECT answer FROM idempotent_calls")?.text("answer") ?? ""
        }
        #expect(try house.isOnDisk(sealed))
        for text in [planted, "planted-5c-key", "planted-9d-body"] { #expect(try !house.isOnDisk(text)) }
        try house.database.close()
        #expect(try house.isOnDisk(sealed))
        for text in [planted, "planted-5c-key", "planted-9d-body"] { #expect(try !house.isOnDisk(text)) }
    }

    @Test("a stored answer that is moved to another call opens nothing there, nor under another master key")
    func bound() async throws {
        for name in ["one", "two"] {
            _ = try await house.charged(key, idempotency: mark(name), answer: answer(name))
        }
        let stranger = Metering(
            database: house.database,
            sealing: DeploymentSecrets(master: Secret("another"), pepper: Secret("pepper")).sealing,
            generations: house.generations, entropy: .system, clock: house.hand.clock, onBrokenBound: { _ in })
        await #expect(throws: SealingError.self) { try await replay(mark("one"), by: stranger) }
        try await house.tamper(
            "UPDATE idempotent_calls SET answer = (SELECT max(answer) FROM idempotent_calls)")
        let texts = ["one", "two"]
        var opened: [String?] = []
        for text in texts {
            do {
                opened.append(try await replay(mark(text)))
            } catch is SealingError {}
        }
        #expect(opened.count == 1)
    }

    @Test("the replay of a call is not stopped by limits, since it costs nothing") func beyondLimits() async throws {
        let limited = try await house.key(limit: Credits(20))
        _ = try await house.charged(limited, idempotency: mark(), answer: answer("one"))
        await #expect(throws: Denial.creditLimitReached) { try await house.hold(limited) }
        #expect(try await replay(mark(), of: limited) == "one")
    }

    // MARK: How much is kept

    private func kept(of key: Credential) async throws -> Int64 {
        try await house.database.read {
            try $0.row("SELECT bytes FROM kept_answers WHERE credential_id = $1", key.id)?.integer("bytes") ?? 0
        }
    }

    private func setKept(_ bytes: Int64, of key: Credential) async throws {
        try await house.tamper("UPDATE kept_answers SET bytes = \(bytes) WHERE credential_id = '\(key.id)'")
    }

    @Test("so many bytes are kept for a key; a call beyond them is charged, but can't be replayed") func keptBytes()
        async throws
    {
        _ = try await house.charged(key, idempotency: mark("one"), answer: answer("one"))
        let size = try await kept(of: key)
        #expect(size > 0)
        try await setKept(IdempotencyKey.kept - size, of: key)
        _ = try await house.charged(key, idempotency: mark("two"), answer: answer("two"))
        #expect(try await kept(of: key) == IdempotencyKey.kept)
        #expect(try await replay(mark("two")) == "two")
        let third = try await house.charged(key, idempotency: mark("three"), answer: answer("three"))
        await #expect(throws: IdempotencyRefusal.notReplayable(charge: third.id)) { try await replay(mark("three")) }
        #expect(try await kept(of: key) == IdempotencyKey.kept)
        #expect(try await house.balance().usage == Usage(posted: Credits(60)))
        // Another key has as much for itself.
        let other = try await house.key()
        _ = try await house.charged(other, idempotency: mark("one"), answer: answer("one"))
        #expect(try await replay(mark("one"), of: other) == "one")
        #expect(try await house.difference() == nil)
    }

    @Test("what goes with its day gives back what it took, by the next call of any key") func givenBack() async throws {
        for name in ["one", "two", "three"] {
            _ = try await house.charged(key, idempotency: mark(name), answer: answer(name))
        }
        let size = try await kept(of: key)
        house.hand.set(house.hand.now.adding(.seconds(86_400)))
        // The one that is repeated goes by itself, the others with the clean-up.
        _ = try await house.charged(key, idempotency: mark("one"), answer: answer("one"))
        #expect(try await kept(of: key) > 0)
        #expect(try await kept(of: key) < size)
        house.hand.set(house.hand.now.adding(.seconds(86_400)))
        let other = try await house.key()
        _ = try await house.charged(other, idempotency: mark("one"))
        #expect(try await kept(of: key) == 0)
    }

    @Test("a call whose answer is not kept takes nothing, nor does one that was not served") func takesNothing()
        async throws
    {
        _ = try await house.charged(key, idempotency: mark("stream"))
        house.release(try await house.hold(key, idempotency: mark("failed")))
        _ = try await house.charged(key, answer: answer("no key"))
        #expect(try await kept(of: key) == 0)
    }

    @Test(
        "a call of a clock that was a little ahead is remembered; one of a clock far ahead is not, and is cleared away")
    func clockAhead() async throws {
        let now = house.hand.now
        house.hand.set(now.adding(.seconds(3600)))
        _ = try await house.charged(key, idempotency: mark(), answer: answer("one"))
        house.hand.set(now)
        #expect(try await replay(mark()) == "one")
        house.hand.set(now.adding(.seconds(365 * 86_400)))
        for name in ["order-2", "order-3"] {
            _ = try await house.charged(key, idempotency: mark(name), answer: answer("ahead"))
        }
        // (An hour ahead is a year ago by then.)
        #expect(try await house.count("idempotent_calls") == 2)
        house.hand.set(now)
        #expect(try await house.metering.answer(to: mark("order-2"), of: key.id) == nil)
        let again = try await house.charged(key, idempotency: mark("order-2"), answer: answer("two"))
        #expect(try await replay(mark("order-2")) == "two")
        #expect(again.cost == Credits(20))
        // The other one went with it, and what it kept.
        #expect(try await house.count("idempotent_calls") == 1)
        let kept = try await house.database.read { try $0.row("SELECT bytes FROM kept_answers")?.integer("bytes") }
        let bytes = try await house.database.read {
            try $0.row("SELECT answer_bytes FROM idempotent_calls")?.integer("answer_bytes")
        }
        #expect(kept == bytes)
        #expect(try await house.difference() == nil)
    }
}
