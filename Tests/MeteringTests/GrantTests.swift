import Accounts
import Audit
import Database
import JSON
import Policy
import TestSupport
import Testing
import Values

@testable import Metering

@Suite("Grants and corrections")
struct GrantTests {
    private let house: MeteringHouse
    private var account: Identifier { house.ada.account }

    init() async throws { house = try await MeteringHouse() }

    private func grant(_ micro: Int64) async throws -> LedgerEntry {
        try await house.metering.grant(Credits(micro: micro), to: account, reason: .empty, by: .test)
    }

    private func adjust(_ micro: Int64) async throws -> LedgerEntry {
        try await house.metering.adjust(account, by: Credits(micro: micro), reason: good("a test"), by: .test)
    }

    @Test("the largest balance that there can be, and not a micro-credit more") func most() async throws {
        _ = try await grant(.max - 1)
        _ = try await grant(1)
        #expect(try await house.balance() == Balance(granted: .most))
        for more in [1, .max] as [Int64] {
            await #expect(throws: MeteringError.balanceTooLarge) { try await grant(more) }
            await #expect(throws: MeteringError.balanceTooLarge) { try await adjust(more) }
        }
        #expect(try await house.balance().amount == .most)
        #expect(try await house.difference() == nil)
    }

    @Test("all of the largest balance can be held, charged, and nothing more is held") func spendMost() async throws {
        _ = try await grant(.max)
        let key = try await house.key(limit: .most, monthly: .most)
        let hold = try await house.hold(key, cost: .most)
        #expect(hold.remaining == .zero)
        for cost in [Credits(micro: 1), .most] {
            await #expect(throws: Denial.creditLimitReached) { try await house.hold(key, cost: cost) }
        }
        _ = try await house.hold(key, cost: .zero)
        try await house.metering.charge(hold)
        #expect(try await house.balance().amount == .zero)
        await #expect(throws: Denial.creditLimitReached) { try await house.hold(key, cost: .most) }
        #expect(try await house.difference() == nil)
    }

    @Test("a key without a limit is told of the account's balance, also where the sum would pass the largest number")
    func unlimitedKey() async throws {
        _ = try await grant(.max)
        let key = try await house.key()
        let hold = try await house.hold(key, cost: Credits(micro: .max - 5))
        await #expect(throws: Denial.insufficientCredits) { try await house.hold(key, cost: Credits(micro: 6)) }
        try await house.metering.charge(hold)
        await #expect(throws: Denial.insufficientCredits) { try await house.hold(key, cost: .most) }
    }

    @Test("what is spent or held can't be taken away; what is free can, to the micro-credit") func down() async throws {
        _ = try await grant(100_000_000)
        let key = try await house.key()
        _ = try await house.charged(key)
        let open = try await house.hold(key)
        for amount in [-60_000_001, -.max, .min] as [Int64] {
            await #expect(throws: MeteringError.balanceTooSmall(available: Credits(60))) { try await adjust(amount) }
        }
        _ = try await adjust(-60_000_000)
        let balance = Balance(granted: Credits(40), usage: Usage(posted: Credits(20), held: Credits(20)))
        #expect(try await house.balance() == balance)
        #expect(try await house.balance().available == .zero)
        await #expect(throws: MeteringError.balanceTooSmall(available: .zero)) { try await adjust(-1) }
        house.release(open)
        _ = try await adjust(-20_000_000)
        #expect(try await house.balance() == Balance(granted: Credits(20), usage: Usage(posted: Credits(20))))
        #expect(try await house.difference() == nil)
    }

    @Test("an account without anything has nothing that could be taken") func empty() async throws {
        for amount in [-1, -.max, .min] as [Int64] {
            await #expect(throws: MeteringError.balanceTooSmall(available: .zero)) { try await adjust(amount) }
        }
        #expect(try await house.balance() == Balance())
        #expect(try await house.count("ledger") == 0)
        await #expect(throws: Denial.insufficientCredits) {
            try await house.hold(try await house.key(), cost: Credits(micro: 1))
        }
    }

    @Test("a grant that takes away is refused by the schema") func negativeGrant() async throws {
        _ = try await grant(10)
        await #expect(throws: DatabaseFailure.constraint) { try await grant(-5) }
        #expect(try await house.balance() == Balance(granted: Credits(micro: 10)))
    }

    @Test("an account that is not there gets nothing") func nobody() async throws {
        let nobody = Identifier(at: house.hand.now, random: (1, 2))
        let before = try await house.count("audit")
        await #expect(throws: MeteringError.noSuchAccount) {
            try await house.metering.grant(Credits(1), to: nobody, reason: .empty, by: .test)
        }
        await #expect(throws: MeteringError.noSuchAccount) {
            try await house.metering.adjust(nobody, by: Credits(1), reason: good("a test"), by: .test)
        }
        #expect(try await house.metering.balance(of: nobody) == Balance())
        #expect(try await house.count("audit") == before)
    }

    @Test("a closed account gets no credits, and its balance can be corrected") func closed() async throws {
        _ = try await grant(10)
        let (id, now) = (account, house.hand.now)
        try await house.database.write { try Accounts.close(id, by: .test, at: now, in: $0) }
        let before = try await house.count("audit")
        await #expect(throws: AccountsError.accountClosed) { try await grant(1) }
        #expect(try await house.balance() == Balance(granted: Credits(micro: 10)))
        #expect(try await house.count("audit") == before)
        _ = try await adjust(-10)
        #expect(try await house.balance() == Balance())
    }

    @Test("each leaves one entry of the audit record, with who, where, how much and why; a refused one leaves none")
    func audited() async throws {
        let author = house.audit.author(actor: house.ada.id, address: "192.0.2.7")
        let entry = try await house.metering.grant(
            Credits(micro: 1_500_000), to: account, reason: good("welcome"), by: author)
        _ = try await adjust(-500_000)
        await #expect(throws: MeteringError.self) { try await adjust(-1_000_001) }
        let audit = try await house.audit.entries(AuditFilter(), Page()).items.filter {
            [.creditsGrant, .creditsAdjust].contains($0.action)
        }
        #expect(audit.count == 2)
        let record = try #require(audit.first { $0.action == .creditsGrant })
        #expect(record.actor == house.ada.id)
        #expect(record.address == "192.0.2.7")
        #expect(record.account == account)
        #expect(record.object == entry.id.description)
        #expect(record.detail == ["amount": "1.5", "reason": "welcome"])
        #expect(record.at == house.hand.now)
        #expect(entry.actor == house.ada.id)
        #expect(entry.reason == "welcome")
        #expect(audit.first { $0.action == .creditsAdjust }?.detail["amount"] == "-0.5")
    }

    @Test("a grant whose audit entry can't be written is not made") func together() async throws {
        try await house.tamper(
            "CREATE TRIGGER fault BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'refused'); END")
        await #expect(throws: DatabaseFailure.constraint) { try await grant(10) }
        #expect(try await house.count("ledger") == 0)
        #expect(try await house.balance() == Balance())
    }

    @Test("a grant binds the very next call, a correction as well") func binds() async throws {
        let key = try await house.key()
        await #expect(throws: Denial.insufficientCredits) { try await house.hold(key) }
        _ = try await grant(20_000_000)
        let hold = try await house.hold(key)
        house.release(hold)
        _ = try await adjust(-1)
        await #expect(throws: Denial.insufficientCredits) { try await house.hold(key) }
    }
}
