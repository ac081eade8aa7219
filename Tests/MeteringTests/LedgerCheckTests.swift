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

    /// A ledger with one of each: grants, an adjustment, a charge, a void, an open hold, calls that can be repeated, and a
    /// key that was never used.
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
        let inFlight = try await house.hold(key, idempotency: IdempotencyKey("in flight", body: []))
        let voided = try await house.hold(key)
        await house.metering.void(voided)
        let open = try await house.hold(key)
        names = [
            "ADA": house.ada.account.description, "BOB": bob.user.account.description, "KEY": key.id.description,
            "OTHER": other.id.description, "CHARGED": charged.id.description, "VOIDED": voided.id.description,
            "OPEN": open.id.description, "REPEATED": repeated.id.description, "IN_FLIGHT": inFlight.id.description,
            "NOBODY": "00000000-0000-7000-8000-000000000000",
        ]
    }

    private func tamper(_ sql: String) async throws {
        try await house.tamper(names.reduce(sql) { $0.replacing("<\($1.key)>", with: "'\($1.value)'") })
    }

    private func difference() async throws -> String? { try await LedgerCheck.run(on: house.database).difference }

    @Test("an untouched ledger has no difference, and is counted") func untouched() async throws {
        let check = try await LedgerCheck.run(on: house.database)
        #expect(check.difference == nil)
        #expect(check.accounts == 2)
        #expect(check.entries == 4 + 8)
        #expect(check.openHolds == 2)
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
        "UPDATE ledger SET amount = amount + 1 WHERE id = <CHARGED>",
        "UPDATE ledger SET amount = amount + 1 WHERE id = <VOIDED>",
        "UPDATE ledger SET amount = amount + 1 WHERE id = <OPEN>",
        "UPDATE ledger SET amount = amount - 1 WHERE kind = 'charge'",
        "UPDATE ledger SET amount = amount - 1 WHERE kind = 'void'",
        "UPDATE ledger SET amount = amount - 1 WHERE <CHARGED> IN (id, hold_id)",
        "UPDATE ledger SET kind = 'void' WHERE kind = 'charge'",
        "UPDATE ledger SET kind = 'charge' WHERE kind = 'void'",
        "UPDATE ledger SET account_id = <BOB> WHERE kind = 'adjustment'",
        "UPDATE ledger SET account_id = <BOB> WHERE id = <CHARGED>",
        "UPDATE ledger SET account_id = <BOB> WHERE kind = 'charge'",
        "UPDATE ledger SET account_id = <BOB> WHERE <CHARGED> IN (id, hold_id)",
        "UPDATE ledger SET account_id = <BOB> WHERE id = <OPEN>",
        "UPDATE ledger SET hold_id = <OPEN> WHERE hold_id = <CHARGED>",
        "UPDATE ledger SET hold_id = <NOBODY> WHERE hold_id = <CHARGED>",
        "UPDATE ledger SET id = <NOBODY> WHERE id = <OPEN>",
        "UPDATE ledger SET credential_id = <OTHER> WHERE id = <CHARGED>",
        "UPDATE ledger SET credential_id = <OTHER> WHERE id = <OPEN>",
        "UPDATE ledger SET application_id = <NOBODY> WHERE id = <CHARGED>",
        "UPDATE ledger SET model = 'parrot' WHERE id = <CHARGED>",
        "UPDATE ledger SET price_id = <NOBODY> WHERE id = <CHARGED>",
        "UPDATE ledger SET multiplier_id = <NOBODY> WHERE id = <CHARGED>",
        "UPDATE ledger SET created_at = created_at + 86400000000 WHERE id = <CHARGED>",
        "UPDATE ledger SET created_at = created_at - 86400000000 WHERE id = <CHARGED>",
        "UPDATE ledger SET created_at = created_at + 31 * 86400000000 WHERE id = <OPEN>",
        "DELETE FROM ledger WHERE kind = 'grant' AND account_id = <BOB>",
        "DELETE FROM ledger WHERE kind = 'adjustment'",
        "DELETE FROM ledger WHERE kind = 'charge'",
        "DELETE FROM ledger WHERE kind = 'void'",
        "DELETE FROM ledger WHERE id = <CHARGED>",
        "DELETE FROM ledger WHERE id = <OPEN>",
        "DELETE FROM ledger WHERE <CHARGED> IN (id, hold_id)",
        "DELETE FROM ledger",
        """
        INSERT INTO ledger (account_id, id, kind, amount, created_at) VALUES (<ADA>, <NOBODY>, 'grant', 1, 0)
        """,
        """
        INSERT INTO ledger (account_id, id, kind, amount, hold_id, created_at)
        SELECT account_id, <NOBODY>, 'charge', amount, id, 0 FROM ledger WHERE id = <OPEN>
        """,
        """
        INSERT INTO ledger (account_id, id, kind, amount, price_id, created_at)
        VALUES (<ADA>, <NOBODY>, 'hold', 1, <NOBODY>, 0)
        """,
        "DELETE FROM holds",
        "UPDATE holds SET id = <CHARGED> WHERE id = <OPEN>",
        "UPDATE holds SET id = <NOBODY> WHERE id = <OPEN>",
        "UPDATE holds SET account_id = <BOB>",
        "INSERT INTO holds (id, account_id) VALUES (<VOIDED>, <ADA>)",
        "INSERT INTO holds (id, account_id) VALUES (<NOBODY>, <ADA>)",
        "UPDATE balances SET granted = granted + 1 WHERE account_id = <ADA>",
        "UPDATE balances SET posted = posted + 1 WHERE account_id = <ADA>",
        "UPDATE balances SET posted = posted - 1 WHERE account_id = <ADA>",
        "UPDATE balances SET held = held - 1 WHERE account_id = <ADA>",
        "UPDATE balances SET posted = posted - 1, held = held + 1 WHERE account_id = <ADA>",
        "UPDATE balances SET held = 1 WHERE account_id = <BOB>",
        "DELETE FROM balances WHERE account_id = <BOB>",
        "DELETE FROM balances",
        "UPDATE credential_usage SET posted = posted - 1",
        "UPDATE credential_usage SET held = held + 1",
        "UPDATE credential_usage SET credential_id = <OTHER>",
        "DELETE FROM credential_usage",
        "INSERT INTO credential_usage (credential_id, posted, held) VALUES (<OTHER>, 0, 1)",
        "UPDATE credential_months SET posted = posted - 1",
        "UPDATE credential_months SET held = held + 1",
        "UPDATE credential_months SET month = month + 1",
        "UPDATE credential_months SET credential_id = <OTHER>",
        "DELETE FROM credential_months",
        "INSERT INTO credential_months (credential_id, month, posted, held) VALUES (<KEY>, 0, 1, 0)",
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
        "UPDATE model_prices SET amount = amount + 1",
        "DELETE FROM model_prices",
        "UPDATE group_multipliers SET multiplier = multiplier - 1",
        "DELETE FROM group_multipliers",
        "UPDATE ledger SET amount = amount - 1 WHERE <VOIDED> IN (id, hold_id)",
        "UPDATE ledger SET price_id = <NOBODY> WHERE id = <VOIDED>",
        "UPDATE ledger SET multiplier_id = <NOBODY> WHERE id = <OPEN>",
        "UPDATE idempotent_calls SET is_settled = 0",
        "UPDATE idempotent_calls SET is_settled = 1",
        "UPDATE idempotent_calls SET hold_id = <VOIDED> WHERE is_settled = 1",
        "UPDATE idempotent_calls SET hold_id = <OPEN> WHERE is_settled = 1",
        "UPDATE idempotent_calls SET hold_id = <CHARGED> WHERE is_settled = 0",
        "UPDATE idempotent_calls SET hold_id = <NOBODY>",
        """
        INSERT INTO usage_days SELECT account_id, day + 1, credential_id, application_id, model, price_id, multiplier_id,
          calls, amount FROM usage_days
        """,
    ]

    @Test("whatever is changed, taken away or put in by hand is found", arguments: tampering)
    func found(sql: String) async throws {
        try await tamper(sql)
        #expect(try await difference() != nil)
    }

    /// Statements after which the proof has no number to name.
    private static let nonsense = [
        "UPDATE ledger SET amount = 9223372036854775807 WHERE kind = 'grant' AND account_id = <ADA>",
        "UPDATE ledger SET amount = 9223372036854775807 WHERE <CHARGED> IN (id, hold_id) OR kind = 'grant'",
        "INSERT INTO holds (id, account_id) SELECT id, account_id FROM ledger WHERE kind = 'adjustment'",
        "UPDATE ledger SET credential_id = NULL WHERE id = <OPEN>",
        "UPDATE ledger SET credential_id = NULL WHERE id = <CHARGED>",
        "UPDATE ledger SET application_id = 'somewhere' WHERE id = <CHARGED>",
        "UPDATE ledger SET id = 'no identifier' WHERE id = <OPEN>",
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
        _ = try await house.restarted().grant(most, to: account, reason: .empty, by: .test)
        #expect(try await house.balance() == Balance(granted: most))
        #expect(try await house.difference() == nil)
    }

    @Test("it reads beside a running server, in a connection of its own that can't write") func reader() async throws {
        let reader = try Database(
            reading: house.folder + "/latchkey.db", migrations: MeteringHouse.migrations)
        #expect(try await LedgerCheck.run(on: reader).difference == nil)
        try await tamper("UPDATE balances SET granted = granted + 1 WHERE account_id = <BOB>")
        let difference = try #require(try await LedgerCheck.run(on: reader).difference)
        let bob = try #require(names["BOB"])
        #expect(
            difference
                == "the account \(bob) is stored with 30.000001 granted, 0 charged and 0 held, but its entries make "
                + "30 granted, 0 charged and 0 held")
        await #expect(throws: DatabaseFailure.self) {
            try await reader.write { try $0.run("DELETE FROM balances") }
        }
        try reader.close()
    }

    @Test("a second settlement of one hold is refused by the schema, whoever writes it") func settledOnce() async throws
    {
        for kind in ["charge", "void"] {
            await #expect(throws: DatabaseFailure.notUnique) {
                try await tamper(
                    """
                    INSERT INTO ledger (account_id, id, kind, amount, hold_id, created_at)
                    VALUES (<ADA>, <NOBODY>, '\(kind)', 20000000, <CHARGED>, 0)
                    """)
            }
        }
    }

    @Test("no balance goes below zero or over what was granted, whoever writes it")
    func schemaBounds() async throws {
        for change in [
            "posted = granted - held + 1", "posted = -1", "held = -1", "granted = -1", "granted = posted + held - 1",
            "posted = 9223372036854775807", "held = 9223372036854775807",
        ] {
            await #expect(throws: DatabaseFailure.constraint) {
                try await tamper("UPDATE balances SET \(change) WHERE account_id = <ADA>")
            }
        }
        try await tamper("UPDATE balances SET posted = granted - held WHERE account_id = <ADA>")
    }
}
