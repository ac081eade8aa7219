import Accounts
import Applications
import Credentials
import Database
import Policy
import TestSupport
import Testing
import Values

@testable import Secrets

@Suite("Checking keys")
struct VerificationTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    @Test("a key tells its own app and account, and lists show a hint of it") func record() async throws {
        let dog = try await house.app("Dog", of: house.ada)
        let catKey = try await house.issue()
        let dogKey = try await house.issue(for: dog)
        let record = try await house.credentials.verify(catKey.key, at: house.hand.now)
        #expect(record.credential == catKey.credential.id)
        #expect(record.account == house.ada.account)
        #expect(record.facts.application == house.cat.id)
        #expect(try await house.credentials.verify(dogKey.key, at: house.hand.now).facts.application == dog.id)
        let listed = try await house.credentials.list(of: house.ada.account, KeyFilter(application: dog.id)).items
        #expect(listed.map(\.id) == [dogKey.credential.id])
        let body = dogKey.key.dropFirst("sk-".count)
        #expect(listed.first?.hint == "sk-\(body.prefix(3))…\(body.prefix(12).suffix(2))")
    }

    @Test("a key is expired from the very instant of its expiry on") func expiry() async throws {
        let end = house.hand.now.adding(.seconds(60))
        let key = try await house.issue(until: end).key
        let facts = try await house.credentials.verify(key, at: house.hand.now).facts
        #expect(facts.terms.expiresAt == end)
        let before = Timestamp(microseconds: end.microseconds - 1)
        for (time, denial) in [(before, nil), (end, Denial.keyExpired)] as [(Timestamp, Denial?)] {
            let call = CallFacts(address: nil, origin: .none, time: time)
            #expect(Policy.admit(call, key: facts, account: AccountFacts(isSuspended: false)) == denial)
        }
    }

    @Test(
        "what is no key is refused", arguments: ["", " ", "sk-", "Bearer", "sk-" + String(repeating: "0", count: 51)])
    func malformed(text: String) async throws { #expect(try await !house.opens(text)) }

    @Test("a key with anything before, behind or changed is refused") func changed() async throws {
        let key = try await house.issue().key
        #expect(try await house.opens(key))
        let swapped = String(key.map { $0.isLowercase ? Character($0.uppercased()) : Character($0.lowercased()) })
        for wrong in [
            key + " ", " " + key, key + "\n", key + "0", String(key.dropLast()), "lkp-" + key.dropFirst(3), swapped,
        ] {
            #expect(try await !house.opens(wrong))
        }
    }

    @Test("a forged key with a right checksum reaches neither Argon2id nor the database") func forged() async throws {
        let key = try await house.issue().key
        let other = DeploymentSecrets(master: Secret("other"), pepper: Secret("other"))
        let foreign = try TokenFormat(prefix: "sk-", keys: other).mint(.system).secret.exposed()
        // The id of a real key, another secret, the old tag, and the checksum that goes with them.
        let body = Array(key.utf8.dropFirst(3))
        var guess = Array(body.prefix(12)) + Base62.random(22, .system) + body[34..<45]
        guess += Base62.digits(of: UInt64(CRC32.checksum("sk-".utf8, guess[...])), count: 6)
        let grafted = "sk-" + String(decoding: guess, as: UTF8.self)
        let format = try TokenFormat(prefix: "sk-", keys: .test)
        for forged in [foreign, grafted] { #expect(format.parse(forged) != nil) }
        let unknown = format.mint(.system).secret.exposed()

        let stopped = try house.restarted(pool: TestPool.stopped)
        for forged in [foreign, grafted] { #expect(try await !house.opens(forged, with: stopped)) }
        // A genuine key does reach Argon2id, and one that was never issued at least the database.
        await #expect(throws: Argon2Failure.stopped) { try await stopped.verify(key, at: house.hand.now) }
        #expect(try await !house.opens(unknown, with: stopped))
        // While the real key is remembered, its id helps a forger no further.
        #expect(try await house.opens(key))
        #expect(try await !house.opens(grafted))

        try house.database.close()
        for forged in [foreign, grafted] { #expect(try await !house.opens(forged, with: stopped)) }
        await #expect(throws: (any Error).self) { try await house.opens(unknown, with: stopped) }
    }

    @Test("a right tag over another secret is no key either: the hash decides") func rightTagWrongSecret() async throws
    {
        let key = try await house.issue().key
        // Somebody who has the pepper and the database's ids, but not the secret.
        let other = try await house.issue().key
        let mine = String(key.dropFirst(3).prefix(12))
        let theirs = String(other.dropFirst(3).prefix(12))
        try await house.database.write { connection in
            try connection.run("UPDATE credentials SET secret_id = 'x' WHERE secret_id = $1", theirs)
            try connection.run("UPDATE credentials SET secret_id = $2 WHERE secret_id = $1", mine, theirs)
        }
        #expect(try await !house.opens(other, with: house.restarted()))
    }

    @Test("first uses that come together share one Argon2id") func sharedComputation() async throws {
        let house = house
        let key = try await house.issue().key
        // One job may wait beside the two that run: of fifty computations most would be refused.
        let cold = try house.restarted(pool: TestPool.pool(queueLimit: 1))
        let opened = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { try await house.opens(key, with: cold) } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(opened == 50)
    }

    @Test("at rest a key is an Argon2id string, and its text lies in no byte of the files") func atRest() async throws {
        var keys: [(credential: Credential, key: String)] = []
        for _ in 0..<3 { keys.append(try await house.issue()) }
        for key in keys { #expect(try await house.opens(key.key)) }
        try await house.delete(keys[0].credential)
        let stored = try await house.database.read { connection in
            try connection.rows("SELECT phc FROM credentials ORDER BY deleted_at IS NULL").map {
                try $0.optionalText("phc")
            }
        }
        #expect(stored.count == 3)
        #expect(stored.first == .some(nil))
        for phc in stored.dropFirst() {
            #expect(
                phc?.wholeMatch(of: #/\$argon2id\$v=19\$m=7168,t=5,p=1\$[A-Za-z0-9+\/]{22}\$[A-Za-z0-9+\/]{43}/#) != nil
            )
        }
        for isClosed in [false, true] {
            if isClosed { try house.database.close() }
            for (_, key) in keys {
                let body = key.dropFirst("sk-".count)
                #expect(try house.isOnDisk(String(body.prefix(12))))
                #expect(try !house.isOnDisk(key))
                #expect(try !house.isOnDisk(String(body.dropFirst(12).prefix(22))))
            }
        }
    }

    @Test("after a restart keys work and deleted ones don't") func restart() async throws {
        let dead = try await house.issue()
        let alive = try await house.issue()
        #expect(try await house.opens(dead.key))
        try await house.delete(dead.credential)
        try house.database.close()

        let database = try Platform.database(in: house.folder, house.hand.clock)
        let applications = Applications(
            database: database, generations: Generations(), entropy: .system, clock: house.hand.clock)
        let credentials = try Platform.credentials(
            over: database, house.hand.clock, Platform.accounts(over: database, house.hand.clock), applications)
        for _ in 0..<2 {
            #expect(try await credentials.verify(alive.key, at: house.hand.now).facts.application == house.cat.id)
            #expect(try await !house.opens(dead.key, with: credentials))
        }
        #expect(try await applications.opened(house.cat.id)?.name == "Cat")
        try database.close()
    }

    @Test("keys that no longer fit into memory still open their app") func smallMemory() async throws {
        let tiny = Credentials(
            database: house.database, accounts: house.accounts, applications: house.applications,
            argon2: TestPool.shared,
            format: try TokenFormat(prefix: "sk-", keys: .test), generations: Generations(), entropy: .system,
            clock: house.hand.clock,
            memory: 1)
        var keys: [(credential: Credential, key: String)] = []
        for _ in 0..<3 { keys.append(try await house.issue(with: tiny)) }
        for (credential, key) in keys {
            #expect(try await tiny.verify(key, at: house.hand.now).credential == credential.id)
        }
        try await tiny.delete(keys[1].credential.id, of: house.ada.account, by: .test)
        #expect(
            try await [true, false, true] == [
                house.opens(keys[0].key, with: tiny), house.opens(keys[1].key, with: tiny),
                house.opens(keys[2].key, with: tiny),
            ])
    }
}
