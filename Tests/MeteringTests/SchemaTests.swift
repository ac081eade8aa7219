import Accounts
import Catalog
import Database
import Metering
import TestSupport
import Testing
import Values

/// The schema as all domains together make it.
@Suite("The schema")
struct SchemaTests {
    private let migrations = Platform.migrations

    @Test("each domain makes its tables in one step") func oneEach() {
        #expect(
            migrations.map(\.name) == [
                "audit-1", "catalog-1", "accounts-1", "applications-1", "credentials-1", "metering-1",
            ])
    }

    @Test("no table lists the words that it takes: SQLite could not add one later") func lists() {
        for statement in migrations.flatMap(\.statements) {
            #expect(!statement.contains("IN ('"), "\(statement)")
            #expect(!statement.contains("ALTER"), "\(statement)")
        }
    }

    @Test("a kind that comes later fits into each table, and is no kind that this version reads") func kinds()
        async throws
    {
        let house = try await MeteringHouse()
        let entry = try await house.metering.grant(Credits(1), to: house.ada.account, reason: .empty, by: .test)
        for statement in [
            "UPDATE providers SET kind = 'later'", "UPDATE applications SET kind = 'later', model = NULL",
            "UPDATE users SET role = 'later'", "UPDATE ledger SET kind = 'later'",
        ] { try await house.tamper(statement) }
        await #expect(throws: DatabaseFailure.malformedRow(column: "kind")) {
            try await house.catalog.providers(Page())
        }
        await #expect(throws: DatabaseFailure.malformedRow(column: "role")) {
            try await house.accounts.users(of: house.ada.account, Page())
        }
        await #expect(throws: DatabaseFailure.malformedRow(column: "kind")) {
            try await house.metering.entries(.init(account: entry.account), Page())
        }
    }
}
