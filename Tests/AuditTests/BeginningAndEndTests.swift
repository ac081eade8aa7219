import Audit
import Database
import Testing
import Values

/// What a chain alone doesn't show: what was there before it, and an end that was cut off.
@Suite("The beginning and the end of the audit record")
struct BeginningAndEndTests {
    private let house: AuditHouse

    init() throws { house = try AuditHouse() }

    /// As a release before there was a chain wrote them.
    private func older(_ count: Int) async throws {
        for number in 0..<count {
            let id = Identifier(at: AuditHouse.noon.adding(.seconds(-100)), random: (0, UInt64(number) << 2))
            try await house.tamper(
                """
                INSERT INTO audit (id, at, action, object, address) VALUES ('\(id)', \(number), 'model.create', 'x', '')
                """,
                "INSERT INTO audit_details (audit_id, field, value) VALUES ('\(id)', 'name', 'echo')")
        }
    }

    @Test("entries before the chain are counted apart, listed with the others, and the chain begins with them")
    func unchained() async throws {
        try await older(3)
        #expect(try await house.check().unchained == 3)
        try await house.fill(4)
        let check = try await house.check()
        #expect(check.difference == nil)
        #expect(check.unchained == 3)
        #expect(check.entries == 4)
        let entries = try await house.audit.entries(of: nil, Page()).items
        #expect(entries.map(\.link?.sequence) == [4, 3, 2, 1, nil, nil, nil])
    }

    @Test(
        "none of them can be changed, removed or added to once there is a chain",
        arguments: [
            "UPDATE audit SET at = at + 1 WHERE sequence IS NULL AND at = 1",
            "UPDATE audit SET action = 'x' WHERE sequence IS NULL AND at = 1",
            "UPDATE audit_details SET value = 'other' WHERE audit_id = (SELECT min(id) FROM audit)",
            "DELETE FROM audit_details WHERE audit_id = (SELECT min(id) FROM audit)",
            "INSERT INTO audit (id, at, action, address) SELECT '\(AuditHouse.name(7))', at, action, '' FROM audit WHERE at = 1",
        ])
    func olderTampered(sql: String) async throws {
        try await older(3)
        try await house.fill(2)
        #expect(try await house.check().difference == nil)
        try await house.tamper(sql)
        #expect(try await house.check().difference == .altered(sequence: 1))
    }

    @Test("a noted head is met again, however much was added since") func noted() async throws {
        try await house.fill(5)
        let head = try #require(try await house.check().head)
        #expect(try await house.check(noted: head).difference == nil)
        try await house.fill(5)
        #expect(try await house.check(noted: head).difference == nil)
        #expect(try await house.check(noted: head).head?.sequence == 10)
    }

    @Test("an end that was cut off is missed, also when the record has grown again") func cutOff() async throws {
        try await house.fill(6)
        let head = try #require(try await house.check().head)
        try await house.tamper(
            "DELETE FROM audit_details WHERE audit_id IN (SELECT id FROM audit WHERE sequence > 4)",
            "DELETE FROM audit WHERE sequence > 4")
        // Without the note, nobody could tell.
        #expect(try await house.check().difference == nil)
        #expect(try await house.check(noted: head).difference == .notThere(head))
        try await house.fill(4)
        #expect(try await house.check().difference == nil)
        #expect(try await house.check(noted: head).difference == .notThere(head))
        let other = AuditCheck.Head(sequence: 99, hash: head.hash)
        #expect(try await house.check(noted: other).difference == .notThere(other))
    }

    @Test("a record that is gone as a whole shows where there is known to have been one") func gone() async throws {
        let empty = try await house.check()
        #expect(empty.difference == nil)
        #expect(empty.head == nil)
        #expect(try await house.check(hasBegun: true).difference == .missing(sequence: 1))
        try await house.fill(1)
        #expect(try await house.check(hasBegun: true).difference == nil)
        try await house.tamper("DELETE FROM audit_details", "DELETE FROM audit")
        #expect(try await house.check(hasBegun: true).difference == .missing(sequence: 1))
    }
}
