import Audit
import Database
import Testing
import Values

/// What a chain alone doesn't show: an end that was cut off.
@Suite("The end of the audit record")
struct EndTests {
    private let house: AuditHouse

    init() throws { house = try AuditHouse() }

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

    @Test("a record that is gone as a whole shows: every deployment begins with an entry") func gone() async throws {
        let empty = try await house.check()
        #expect(empty.difference == .missing(sequence: 1))
        #expect(empty.head == nil)
        try await house.fill(1)
        #expect(try await house.check().difference == nil)
        try await house.tamper("DELETE FROM audit_details", "DELETE FROM audit")
        #expect(try await house.check().difference == .missing(sequence: 1))
    }

    @Test("an entry without a place or a hash is refused by the schema", arguments: ["sequence", "hash"])
    func unlinked(column: String) async throws {
        try await house.fill(2)
        await #expect(throws: DatabaseFailure.constraint) {
            try await house.tamper("UPDATE audit SET \(column) = NULL WHERE sequence = 2")
        }
        #expect(try await house.check().difference == nil)
    }
}
