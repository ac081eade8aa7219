import Audit
import Database
import Testing
import Values

@Suite("The chain of the audit record")
struct ChainTests {
    private let house: AuditHouse

    init() throws { house = try AuditHouse() }

    private func everything() async throws -> [AuditEntry] {
        var seen: [AuditEntry] = []
        var after: Identifier?
        repeat {
            let page = try await house.audit.entries(AuditFilter(), Page(limit: 7, after: after))
            seen += page.items
            after = page.next
        } while after != nil
        return seen
    }

    @Test("it is whole after writes from everywhere at once, and lists show it in its order") func concurrent()
        async throws
    {
        let house = house
        try await withThrowingTaskGroup { group in
            for worker in 0..<8 {
                group.addTask {
                    for turn in 0..<12 {
                        // Clocks differ, and step back.
                        let time = AuditHouse.noon.adding(.milliseconds(Int64((turn * 7 + worker * 5) % 11)))
                        try await house.record(
                            AuditEntry.Action.allCases[(turn * 8 + worker) % AuditEntry.Action.allCases.count],
                            actor: AuditHouse.name(UInt64(worker)), object: "\(turn)",
                            detail: turn.isMultiple(of: 2) ? [:] : ["worker": "\(worker)", "turn": "\(turn)"], at: time)
                    }
                }
            }
            try await group.waitForAll()
        }
        let check = try await house.check()
        #expect(check.difference == nil)
        #expect(check.entries == 96)
        let entries = try await everything()
        #expect(entries.map(\.link.sequence) == (1...96).reversed().map(Int64.init))
        #expect(check.head == AuditCheck.Head(sequence: entries[0].link.sequence, hash: entries[0].link.hash))
        #expect(Set(entries.map(\.id)).count == 96)
    }

    @Test("what is refused with its transaction leaves neither an entry nor a gap") func rolledBack() async throws {
        struct Refused: Error {}
        let house = house
        let author = house.audit.author(actor: nil, address: "")
        try await house.record()
        await #expect(throws: Refused.self) {
            try await house.database.write {
                try author.record(
                    .accountCreate, account: nil, object: nil, detail: ["a": "b"], at: AuditHouse.noon, in: $0)
                throw Refused()
            }
        }
        try await house.record(.accountSuspend)
        #expect(try await everything().map(\.action) == [.accountSuspend, .accountEdit])
        #expect(try await house.check().head?.sequence == 2)
    }

    @Test("an account's entries are those that were done to it, a page at a time") func ofAccount() async throws {
        for number in 0..<9 {
            try await house.record(
                account: number.isMultiple(of: 3) ? AuditHouse.name(1) : AuditHouse.name(2), object: "\(number)")
        }
        let first = try await house.audit.entries(AuditFilter(account: AuditHouse.name(1)), Page(limit: 2))
        #expect(first.items.map(\.object) == ["6", "3"])
        let second = try await house.audit.entries(
            AuditFilter(account: AuditHouse.name(1)), Page(limit: 2, after: first.next))
        #expect(second.items.map(\.object) == ["0"])
        #expect(second.next == nil)
        #expect(try await house.audit.entries(AuditFilter(account: AuditHouse.name(9)), Page()).items.isEmpty)
    }

    @Test("what was written is what is read, word for word") func wordForWord() async throws {
        let detail = ["name": "O'Brien; -- \"x\"\n", "empty": "", "größe": "\u{1F600}"]
        try await house.record(
            .credentialLeak, actor: AuditHouse.name(1), account: AuditHouse.name(2), object: "a:b", detail: detail,
            address: "2001:db8::1")
        let entry = try #require(try await everything().first)
        #expect(entry.action == .credentialLeak)
        #expect(entry.actor == AuditHouse.name(1))
        #expect(entry.account == AuditHouse.name(2))
        #expect(entry.object == "a:b")
        #expect(entry.detail == detail)
        #expect(entry.address == "2001:db8::1")
        #expect(entry.at == AuditHouse.noon)
        #expect(try await house.check().difference == nil)
    }

    @Test("a head is noted as place and hash, and read strictly") func heads() {
        let head = AuditCheck.Head(sequence: 17, hash: "Hd_-9")
        #expect(head.text == "17:Hd_-9")
        #expect(AuditCheck.Head("17:Hd_-9") == head)
        for text in ["", ":", "17", "17:", ":Hd", "0:Hd", "-1:Hd", "x:Hd", "1:a:b"] {
            #expect(AuditCheck.Head(text) == nil, "\(text)")
        }
    }
}
