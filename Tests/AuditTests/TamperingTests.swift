import Audit
import Database
import Secrets
import Testing
import Values

/// Whoever can write to the database and has no master key can change nothing unseen (ASVS 16.4.2).
@Suite("Tampering with the audit record")
struct TamperingTests {
    private let house: AuditHouse
    private static let count = 24

    init() throws { house = try AuditHouse() }

    /// Something done to the entry of a sequence; entry and detail are there.
    struct Act: Sendable, CustomTestStringConvertible {
        let name: String
        let statements: [String]
        let found: @Sendable (Int64) -> AuditCheck.Difference

        init(
            _ name: String, _ statements: String...,
            found: @escaping @Sendable (Int64) -> AuditCheck.Difference = { .altered(sequence: $0) }
        ) {
            self.name = name
            self.statements = statements
            self.found = found
        }

        var testDescription: String { name }

        func statements(on sequence: Int64) -> [String] {
            statements.map { $0.replacing("$next", with: "\(sequence + 1)").replacing("$n", with: "\(sequence)") }
        }
    }

    private static let it = "WHERE audit_id = (SELECT id FROM audit WHERE sequence = $n)"

    static let acts = [
        Act("the time", "UPDATE audit SET at = at + 1 WHERE sequence = $n"),
        Act("the time, to a text", "UPDATE audit SET at = 'noon' WHERE sequence = $n"),
        Act("who did it", "UPDATE audit SET actor_id = '\(AuditHouse.name(7))' WHERE sequence = $n"),
        Act("nobody did it", "UPDATE audit SET actor_id = NULL WHERE sequence = $n"),
        Act("who did it, to nonsense", "UPDATE audit SET actor_id = 'x' WHERE sequence = $n"),
        Act("what was done", "UPDATE audit SET action = 'session.create' WHERE sequence = $n"),
        Act("what was done, to nonsense", "UPDATE audit SET action = 'x' WHERE sequence = $n"),
        Act("the account", "UPDATE audit SET account_id = '\(AuditHouse.name(7))' WHERE sequence = $n"),
        Act("no account", "UPDATE audit SET account_id = NULL WHERE sequence = $n"),
        Act("the object", "UPDATE audit SET object = object || 'x' WHERE sequence = $n"),
        Act("no object", "UPDATE audit SET object = NULL WHERE sequence = $n"),
        Act("the object, to an empty one", "UPDATE audit SET object = '' WHERE sequence = $n"),
        Act("the address", "UPDATE audit SET address = '' WHERE sequence = $n"),
        Act(
            "the id", "UPDATE audit_details SET audit_id = '\(AuditHouse.name(7))' \(it)",
            "UPDATE audit SET id = '\(AuditHouse.name(7))' WHERE sequence = $n"),
        Act("the hash", "UPDATE audit SET hash = 'x' || substr(hash, 2) WHERE sequence = $n"),
        Act(
            "another's hash",
            "UPDATE audit SET hash = (SELECT hash FROM audit WHERE sequence = $next) WHERE sequence = $n"
        ),
        Act("a detail", "UPDATE audit_details SET value = value || 'x' \(it) AND field = 'name'"),
        Act("the name of a detail", "UPDATE audit_details SET field = 'email' \(it) AND field = 'name'"),
        Act("a detail gone", "DELETE FROM audit_details \(it) AND field = 'name'"),
        Act(
            "a detail more",
            "INSERT INTO audit_details (audit_id, field, value) SELECT id, 'x', '' FROM audit WHERE sequence = $n"),
        Act(
            "a detail that is another's",
            "UPDATE audit_details SET audit_id = (SELECT id FROM audit WHERE sequence = $next), field = 'moved' \(it) AND field = 'name'"
        ),
        Act(
            "the entry gone", "DELETE FROM audit_details \(it)", "DELETE FROM audit WHERE sequence = $n",
            found: { .missing(sequence: $0) }),
        Act(
            "the entry gone, and those behind it moved up", "DELETE FROM audit_details \(it)",
            "DELETE FROM audit WHERE sequence = $n", "UPDATE audit SET sequence = -sequence WHERE sequence > $n",
            "UPDATE audit SET sequence = -sequence - 1 WHERE sequence < 0"),
        Act(
            "the entry in another place", "UPDATE audit SET sequence = 1000 WHERE sequence = $n",
            found: { .missing(sequence: $0) }),
        Act(
            "the entry below the first place", "UPDATE audit SET sequence = -1 WHERE sequence = $n",
            found: { _ in .missing(sequence: 1) }),
        Act(
            "a place that is none", "UPDATE audit SET sequence = 'x' WHERE sequence = $n",
            found: { .missing(sequence: $0) }),
        Act(
            "two entries in each other's place", "UPDATE audit SET sequence = -7 WHERE sequence = $n",
            "UPDATE audit SET sequence = $n WHERE sequence = $next",
            "UPDATE audit SET sequence = $next WHERE sequence = -7"
        ),
        Act(
            "all that two entries say, exchanged",
            """
            UPDATE audit SET (at, action, object) = (SELECT at, action, object FROM audit other WHERE other.sequence = $next)
            WHERE sequence = $n
            """),
        Act(
            "one slipped in and the others moved on", "UPDATE audit SET sequence = -sequence WHERE sequence >= $n",
            "UPDATE audit SET sequence = 1 - sequence WHERE sequence < 0",
            """
            INSERT INTO audit (id, sequence, hash, at, action, address)
            SELECT '\(AuditHouse.name(7))', $n, hash, at, action, address FROM audit WHERE sequence = $next
            """),
    ]

    @Test("each change shows, by the place of the first entry that is not as it was", arguments: acts)
    func each(act: Act) async throws {
        // One in the beginning, one between, one before the last: each has an account, an actor, an object and a detail.
        for sequence in [2, 14, 22] as [Int64] {
            let house = try AuditHouse()
            try await house.fill(Self.count)
            #expect(try await house.check().difference == nil)
            let before = try await dump(house)
            try await house.tamper(act.statements(on: sequence))
            #expect(try await dump(house) != before)
            let check = try await house.check()
            #expect(check.difference == act.found(sequence), "\(sequence)")
            #expect(check.entries < Self.count)
        }
    }

    @Test("of several changes the first is named, whatever the order in which they were made", arguments: 1...6)
    func first(seed: Int) async throws {
        try await house.fill(Self.count)
        let places = [(5, 3), (20, 9), (9, 20), (3, 5), (23, 22), (4, 4)][seed - 1]
        for place in [places.0, places.1] {
            try await house.tamper("UPDATE audit SET address = 'elsewhere' WHERE sequence = \(place)")
        }
        #expect(try await house.check().difference == .altered(sequence: Int64(min(places.0, places.1))))
        #expect(try await house.check().entries == Int64(min(places.0, places.1) - 1))
    }

    @Test("who has another master key can't go on with the chain, and sees no whole one") func otherKey() async throws {
        try await house.fill(5)
        let strangers = DeploymentSecrets(master: Secret("other"), pepper: Secret("pepper")).auditChain
        let forger = Audit(database: house.database, chain: strangers, entropy: .system)
            .author(actor: nil, address: "")
        try await house.database.write {
            try forger.record(.creditsGrant, account: nil, object: nil, at: AuditHouse.noon, in: $0)
        }
        #expect(try await house.check().difference == .altered(sequence: 6))
        #expect(try await house.check(strangers).difference == .altered(sequence: 1))
    }

    @Test("entries below the first place are not overlooked", arguments: [0, -1, Int64.min])
    func belowFirst(place: Int64) async throws {
        try await house.fill(3)
        try await house.tamper(
            """
            INSERT INTO audit (id, sequence, hash, at, action, address)
            SELECT '\(AuditHouse.name(7))', \(place), hash, at, 'credits.grant', address FROM audit WHERE sequence = 1
            """)
        #expect(try await house.check().difference != nil)
    }

    @Test("a record of several thousand entries is followed to its end", arguments: [1000, 1001, 2000, 2001, 2100])
    func long(place: Int64) async throws {
        try await house.fill(2100)
        let whole = try await house.check()
        #expect(whole.difference == nil)
        #expect(whole.entries == 2100)
        try await house.tamper("UPDATE audit SET at = at + 1 WHERE sequence = \(place)")
        let check = try await house.check()
        #expect(check.difference == .altered(sequence: place))
        #expect(check.entries == place - 1)
    }

    private func dump(_ house: AuditHouse) async throws -> [String] {
        try await house.database.read { connection in
            let entries = try connection.rows(
                """
                SELECT id || '|' || coalesce(sequence, '-') || '|' || coalesce(hash, '-') || '|' || at || '|'
                  || coalesce(actor_id, '-') || '|' || action || '|' || coalesce(account_id, '-') || '|'
                  || coalesce(object, '-') || '|' || address AS text
                FROM audit ORDER BY rowid
                """)
            let details = try connection.rows(
                "SELECT audit_id || '|' || field || '|' || value AS text FROM audit_details ORDER BY rowid")
            return try (entries + details).map { try $0.text("text") }
        }
    }
}
