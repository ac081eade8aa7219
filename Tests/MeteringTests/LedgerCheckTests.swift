import Accounts
import Catalog
import Credentials
import Database
import TestSupport
import Testing
import Values

import struct Applications.Application

@testable import Metering

@Suite("The proof of the ledger")
struct LedgerCheckTests {
    private let house: MeteringHouse
    /// What the statements of ``tampering`` name.
    private let names: [String: String]

    /// A ledger with one of each: grants, an adjustment, charges that are folded and some that are not, calls that can be
    /// repeated, a call under way, and a key that was never used.
    init() async throws {
        house = try await MeteringHouse()
        let bob = try await house.bob()
        try await house.grant(100)
        try await house.grant(50)
        _ = try await house.metering.adjust(house.ada.account, by: Credits(-10), reason: good("a test"), by: .test)
        _ = try await house.metering.grant(Credits(30), to: bob.user.account, reason: .empty, by: .test)
        let key = try await house.key()
        let other = try await house.key()
        let charged = try await house.charged(key)
        let repeated = try await house.charged(
            key, idempotency: IdempotencyKey("served", body: []), answer: StoredAnswer(bytes: [1]))
        try await house.metering.fold()
        let late = try await house.charged(
            key, idempotency: IdempotencyKey("late", body: []), answer: StoredAnswer(bytes: [1]))
        _ = try await house.hold(key)
        names = [
            "ADA": "'\(house.ada.account)'", "BOB": "'\(bob.user.account)'", "KEY": "'\(key.id)'",
            "OTHER": "'\(other.id)'", "CHARGED": "\(charged.number)", "REPEATED": "\(repeated.number)",
            "LATE": "\(late.number)", "NOBODY": "'00000000-0000-7000-8000-000000000000'",
        ]
    }

    private func tamper(_ sql: String) async throws {
        try await house.tamper(names.reduce(sql) { $0.replacing("<\($1.key)>", with: $1.value) })
    }

    private func difference() async throws -> String? { try await LedgerCheck.run(on: house.database).difference }

    @Test("an untouched ledger has no difference, and is counted") func untouched() async throws {
        let check = try await LedgerCheck.run(on: house.database)
        #expect(check.difference == nil)
        #expect(check.accounts == 2)
        #expect(check.entries == 4 + 3)
        #expect(check.unfolded == 1)
    }

    @Test("an empty one has none either") func empty() async throws {
        let house = try await MeteringHouse()
        let check = try await LedgerCheck.run(on: house.database)
        #expect(check.difference == nil)
        #expect(check.accounts == 0)
        #expect(check.entries == 0)
    }

    /// On each table: what is there changed, taken away, and something put beside it.
    private static let tampering = [
        "UPDATE ledger SET amount = amount + 1 WHERE kind = 'grant' AND account_id = <ADA>",
        "UPDATE ledger SET amount = amount - 1 WHERE kind = 'adjustment'",
        "UPDATE ledger SET account_id = <BOB> WHERE kind = 'adjustment'",
        "DELETE FROM ledger WHERE kind = 'grant' AND account_id = <BOB>",
        "DELETE FROM ledger WHERE kind = 'adjustment'",
        "DELETE FROM ledger",
        "INSERT INTO ledger (account_id, id, kind, amount, created_at) VALUES (<ADA>, 7, 'grant', 1, 0)",
        "UPDATE charges SET amount = amount + 1 WHERE id = <CHARGED>",
        "UPDATE charges SET amount = amount - 1 WHERE id = <CHARGED>",
        "UPDATE charges SET amount = amount + 1 WHERE id = <LATE>",
        "UPDATE charges SET id = id + 1 WHERE id = <CHARGED>",
        "UPDATE charges SET id = id + 1 WHERE id = <LATE>",
        "UPDATE charges SET time_offset = time_offset + 86400000000 WHERE id = <CHARGED>",
        "UPDATE charges SET time_offset = time_offset - 86400000000 WHERE id = <CHARGED>",
        "UPDATE charges SET subject = 99",
        "UPDATE charges SET n = n + 1000 WHERE id = <CHARGED>",
        "DELETE FROM charges WHERE id = <CHARGED>",
        "DELETE FROM charges WHERE id = <LATE>",
        "DELETE FROM charges",
        "INSERT INTO charges (n, id, subject, amount, time_offset) SELECT 0, 7, subject, 0, 0 FROM charges LIMIT 1",
        "INSERT INTO charges (id, subject, amount, time_offset) SELECT 7, subject, 80000001, 0 FROM charges LIMIT 1",
        """
        INSERT INTO charges (id, subject, amount, time_offset) SELECT id, subject, amount, time_offset FROM charges
        UNION ALL SELECT id + 1, subject, amount, time_offset FROM charges
        """,
        "UPDATE charge_subjects SET account_id = <BOB>",
        "UPDATE charge_subjects SET credential_id = <OTHER>",
        "UPDATE charge_subjects SET application_id = <NOBODY>",
        "UPDATE charge_subjects SET model = 'parrot'",
        "UPDATE charge_subjects SET price_id = <NOBODY>",
        "UPDATE charge_subjects SET multiplier_id = <NOBODY>",
        "DELETE FROM charge_subjects",
        "UPDATE charge_index SET account = account + 1",
        "UPDATE charge_index SET id = id + 5000 WHERE id = <CHARGED>",
        "UPDATE charge_index SET n = 3 - n",
        "UPDATE charge_index SET n = n + 1",
        "DELETE FROM charge_index WHERE id = <CHARGED>",
        "DELETE FROM charge_index",
        "INSERT INTO charge_index (account, id, n) SELECT account, <LATE>, 3 FROM charge_index LIMIT 1",
        "INSERT INTO charge_index (account, id, n) SELECT account, 7, n FROM charge_index LIMIT 1",
        "UPDATE fold SET position = position + 1",
        "UPDATE fold SET position = position - 1",
        "UPDATE fold SET position = 0",
        "UPDATE balances SET number = number + 100",
        "UPDATE balances SET granted = granted + 1 WHERE account_id = <ADA>",
        "UPDATE balances SET posted = posted + 1 WHERE account_id = <ADA>",
        "UPDATE balances SET posted = posted - 1 WHERE account_id = <ADA>",
        "DELETE FROM balances WHERE account_id = <BOB>",
        "DELETE FROM balances",
        "UPDATE credential_usage SET posted = posted - 1",
        "UPDATE credential_usage SET credential_id = <OTHER>",
        "DELETE FROM credential_usage",
        "INSERT INTO credential_usage (credential_id, posted) VALUES (<OTHER>, 1)",
        "UPDATE credential_months SET posted = posted - 1",
        "UPDATE credential_months SET month = month + 1",
        "UPDATE credential_months SET credential_id = <OTHER>",
        "DELETE FROM credential_months",
        "INSERT INTO credential_months (credential_id, month, posted) VALUES (<KEY>, 0, 1)",
        "UPDATE usage_days SET calls = calls + 1",
        "UPDATE usage_days SET amount = amount - 1",
        "UPDATE usage_days SET day = day + 1",
        "UPDATE usage_days SET account_id = <BOB>",
        "UPDATE usage_days SET credential_id = <OTHER>",
        "UPDATE usage_days SET application_id = <NOBODY>",
        "UPDATE usage_days SET model = 'parrot'",
        "UPDATE usage_days SET price_id = <NOBODY>",
        "UPDATE usage_days SET multiplier_id = <NOBODY>",
        "DELETE FROM usage_days",
        "UPDATE model_prices SET amount = amount - 1",
        "DELETE FROM model_prices",
        "UPDATE group_multipliers SET multiplier = multiplier - 1",
        "DELETE FROM group_multipliers",
        "UPDATE idempotent_calls SET charge = 7 WHERE charge = <REPEATED>",
        "UPDATE idempotent_calls SET charge = 7 WHERE charge = <LATE>",
        "UPDATE idempotent_calls SET credential_id = <OTHER> WHERE charge = <LATE>",
        "UPDATE idempotent_calls SET credential_id = <OTHER> WHERE charge = <REPEATED>",
        """
        INSERT INTO usage_days SELECT account_id, day + 1, credential_id, application_id, model, price_id, multiplier_id,
          calls, amount FROM usage_days
        """,
    ]

    @Test("whatever is changed, taken away or put in by hand is found, or refused by the schema", arguments: tampering)
    func found(sql: String) async throws {
        do { try await tamper(sql) } catch DatabaseFailure.foreignKey { return }
        #expect(try await difference() != nil)
    }

    /// Statements after which the proof has no number to name.
    private static let nonsense = [
        "UPDATE ledger SET amount = 9223372036854775807 WHERE kind = 'grant' AND account_id = <ADA>",
        "UPDATE charges SET amount = 9223372036854775807",
        "UPDATE charge_subjects SET application_id = 'somewhere'",
        "UPDATE charge_subjects SET price_id = 'no identifier'",
        "UPDATE charges SET id = -1 WHERE id = <LATE>",
    ]

    @Test("what makes no sense at all is a difference like any other, not a failure to look", arguments: nonsense)
    func senseless(sql: String) async throws {
        try await tamper(sql)
        #expect(try await difference() != nil)
    }

    @Test("sums that only pass the largest number on their way, in the order of the entries, are right ones")
    func intermediateSums() async throws {
        let house = try await MeteringHouse()
        let account = house.ada.account
        let most = Credits.most
        _ = try await house.metering.grant(most, to: account, reason: .empty, by: .test)
        _ = try await house.metering.adjust(account, by: Credits(micro: -.max), reason: good("a test"), by: .test)
        // After a restart with the clock set back, what comes later sorts first.
        house.hand.set(house.hand.now.adding(.seconds(-60)))
        let restarted = house.restarted()
        _ = try await restarted.grant(most, to: account, reason: .empty, by: .test)
        #expect(try await restarted.balance(of: account) == Balance(granted: most))
        #expect(try await house.difference() == nil)
    }

    @Test("it reads beside a running server, in a connection of its own that can't write") func reader() async throws {
        let reader = try Database(
            reading: house.folder + "/latchkey.db", migrations: Platform.migrations)
        #expect(try await LedgerCheck.run(on: reader).difference == nil)
        try await tamper("UPDATE balances SET granted = granted + 1 WHERE account_id = <BOB>")
        let difference = try #require(try await LedgerCheck.run(on: reader).difference)
        let bob = try #require(names["BOB"]?.filter { $0 != "'" })
        #expect(
            difference
                == "the account \(bob) is stored with 30.000001 granted and 0 charged, but its entries make 30 granted "
                + "and 0 charged")
        await #expect(throws: DatabaseFailure.self) {
            try await reader.write { try $0.run("DELETE FROM balances") }
        }
        try reader.close()
    }

    @Test("a charge is filed once, and for nothing that is not there, whoever writes it") func schemaRules()
        async throws
    {
        await #expect(throws: DatabaseFailure.notUnique) {
            try await tamper("INSERT INTO charge_index (account, id, n) SELECT account, id, 7 FROM charge_index")
        }
        await #expect(throws: DatabaseFailure.foreignKey) {
            try await house.tamper("INSERT INTO charges (id, subject, amount, time_offset) VALUES (7, 99, 1, 0)")
        }
        await #expect(throws: DatabaseFailure.constraint) {
            try await house.tamper("INSERT INTO charges (id, subject, amount, time_offset) VALUES (7, 1, -1, 0)")
        }
    }

    @Test("no balance goes below zero or over what was granted, whoever writes it")
    func schemaBounds() async throws {
        for change in [
            "posted = granted + 1", "posted = -1", "granted = -1", "granted = posted - 1",
            "posted = 9223372036854775807",
        ] {
            await #expect(throws: DatabaseFailure.constraint) {
                try await tamper("UPDATE balances SET \(change) WHERE account_id = <ADA>")
            }
        }
        try await tamper("UPDATE balances SET posted = granted WHERE account_id = <ADA>")
    }
}
