import Accounts
import Applications
import Audit
import Catalog
import Credentials
import Database
import Foundation
import Policy
import Secrets
import TestSupport
import Values

import struct Applications.Application

@testable import Metering

extension MeteringHouse {
    /// Another tenant with an app.
    func bob() async throws -> (user: User, app: Application) {
        let account = try await accounts.create(AccountDraft(name: good("Bob"), cap: .standard), by: .test)
        let (_, token) = try await accounts.invite(
            good("bob@example.com"), as: .root, to: account.id, for: ada, by: .test)
        let user = try await accounts.accept(
            invitation: token.exposed(), password: good("eight blue kites at noon"), by: .test)
        return (user, try await app("Dog", of: user))
    }

    func app(_ name: String, of user: User) async throws -> Application {
        try await applications.create(
            ApplicationDraft(
                name: good(name),
                chat: ChatSettings(
                    model: good("echo"), allowedModels: nil, systemPrompt: nil, parameters: .none)),
            in: user.account, by: .test)
    }

    func key(of user: User, _ app: Application, _ terms: KeyTerms = KeyTerms()) async throws -> Credential {
        try await credentials.issue(CredentialDraft(application: app.id, name: .empty, terms: terms), by: user, .test).0
    }

    func charged(
        _ key: Credential, cost: Credits = Credits(20), idempotency: IdempotencyKey? = nil, answer: StoredAnswer? = nil
    ) async throws -> Hold {
        let hold = try await hold(key, cost: cost, idempotency: idempotency)
        try await metering.charge(hold, answer: answer)
        return hold
    }

    func suspend(_ account: Identifier, _ isSuspended: Bool = true) async throws {
        var edit = AccountEdit()
        edit.isSuspended = isSuspended
        _ = try await accounts.edit(account, edit, by: .test)
    }

    func limit(_ key: Credential, to limit: Credits??, monthly: Credits?? = nil) async throws {
        var edit = CredentialEdit()
        edit.creditLimit = limit
        edit.monthlyLimit = monthly
        _ = try await credentials.edit(key.id, of: key.account, edit, by: .test)
    }

    /// Runs one statement, as somebody with the file in hand could.
    func tamper(_ sql: String) async throws { try await database.write { _ = try $0.run(sql) } }

    /// Makes whatever is added to a table of the record fail, as a full disk would, until ``mend()``.
    /// - Parameter condition: of the entries for which it does.
    func breakLedger(when condition: String = "1") async throws {
        for table in ["ledger", "charges"] {
            try await tamper(
                """
                CREATE TRIGGER fault_\(table) BEFORE INSERT ON \(table) WHEN \(condition)
                BEGIN SELECT abs(-9223372036854775807 - 1); END
                """)
        }
    }

    func mend() async throws { for table in ["ledger", "charges"] { try await tamper("DROP TRIGGER fault_\(table)") } }

    /// From here on whoever changes or deletes an entry fails.
    func guardLedger() async throws {
        for change in ["UPDATE", "DELETE"] {
            for table in ["ledger", "charges", "charge_subjects", "charge_index"] {
                try await tamper(
                    """
                    CREATE TRIGGER guard_\(table)_\(change) BEFORE \(change) ON \(table)
                    BEGIN SELECT RAISE(ABORT, 'the ledger is only added to'); END
                    """)
            }
        }
    }

    func count(_ table: String) async throws -> Int64 {
        try await database.read { try $0.row("SELECT count(*) AS n FROM \(table)")?.integer("n") ?? 0 }
    }

    /// How SQLite goes about a statement, step by step.
    /// - Parameter count: of its parameters, whose values change nothing of that.
    func plan(of statement: String, _ count: Int) async throws -> [String] {
        let statement = "EXPLAIN QUERY PLAN " + statement
        return try await database.read { connection in
            let rows =
                switch count {
                case 4: try connection.rows(statement, nil, nil, nil, nil)
                case 5: try connection.rows(statement, nil, nil, nil, nil, nil)
                case 6: try connection.rows(statement, nil, nil, nil, nil, nil, nil)
                case 7: try connection.rows(statement, nil, nil, nil, nil, nil, nil, nil)
                case 8: try connection.rows(statement, nil, nil, nil, nil, nil, nil, nil, nil)
                default: try connection.rows(statement, nil, nil, nil, nil, nil, nil, nil, nil, nil)
                }
            return try rows.map { try $0.text("detail") }
        }
    }

    /// Whether any file of the database has this text in it.
    func isOnDisk(_ text: String) throws -> Bool {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        precondition(names.contains("latchkey.db"))
        return try names.contains { name in
            try Data(contentsOf: URL(filePath: folder + "/" + name)).range(of: Data(text.utf8)) != nil
        }
    }
}

/// A time that the test knows to be well-formed.
func moment(_ text: String) throws -> Timestamp {
    guard let time = Timestamp(rfc3339: text) else { throw BadText(text: text) }
    return time
}
