import Audit
import Database
import Foundation
import Secrets
import Synchronization
import Values

/// An audit record over a database file of its own. Goes, with its folder, when the suite that holds it goes.
final class AuditHouse: Sendable {
    static let noon = Timestamp(microseconds: 1_780_315_200_000_000)
    static let chain = DeploymentSecrets(master: Secret("master"), pepper: Secret("pepper")).auditChain

    let folder = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString)").path
    let database: Database
    let audit: Audit

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try Database(
            path: folder + "/latchkey.db", migrations: Audit.migrations, clock: Clock { Self.noon })
        audit = Audit(database: database, chain: Self.chain, entropy: .system)
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    static func name(_ number: UInt64) -> Identifier { Identifier(at: noon, random: (0, number << 2)) }

    func record(
        _ action: AuditEntry.Action = .accountEdit, actor: Identifier? = nil, account: Identifier? = nil,
        object: String? = nil, detail: [String: String] = [:], address: String = "192.0.2.7", at time: Timestamp = noon
    ) async throws {
        let author = audit.author(actor: actor, address: address)
        try await database.write {
            try author.record(action, account: account, object: object, detail: detail, at: time, in: $0)
        }
    }

    /// Entries of all kinds: with and without each of the fields that may be absent, with no details, one or two.
    func fill(_ count: Int) async throws {
        let origins = [nil, Self.name(1), Self.name(2)].map { audit.author(actor: $0, address: "192.0.2.7") }
        let actions = AuditEntry.Action.allCases
        try await database.write { connection in
            for number in 0..<count {
                let details = [["name": "a"], ["name": "a", "role": "root"], [:]][number % 3]
                try origins[number % 2].record(
                    actions[number % actions.count], account: number % 4 == 0 ? nil : Self.name(3),
                    object: number % 5 == 0 ? nil : "object \(number)", detail: details,
                    at: Self.noon.adding(.seconds(Int64(number))), in: connection)
            }
        }
    }

    func check(
        _ chain: AuditChain = AuditHouse.chain, noted: AuditCheck.Head? = nil
    ) async throws -> AuditCheck {
        try await AuditCheck.run(on: database, chain, noted: noted)
    }

    /// Runs statements in one transaction, as somebody with the file in hand could.
    func tamper(_ statements: String...) async throws { try await tamper(statements) }

    func tamper(_ statements: [String]) async throws {
        try await database.write { connection in
            try connection.run("PRAGMA defer_foreign_keys = ON")
            for sql in statements { try connection.run(sql) }
        }
    }

    func count() async throws -> Int64 {
        try await database.read { try $0.row("SELECT count(*) AS n FROM audit")?.integer("n") ?? 0 }
    }
}
