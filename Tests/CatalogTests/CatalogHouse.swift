import Catalog
import Database
import Foundation
import Secrets
import TestSupport
import Values

@testable import Audit

/// A catalog over a database file of its own. Goes, with its folder, when the suite that holds it goes.
final class CatalogHouse: Sendable {
    static let keys = DeploymentSecrets(master: Secret("master"), pepper: Secret("pepper"))
    let folder = FileManager.default.temporaryDirectory.appending(path: "catalog-\(UUID().uuidString)").path
    let database: Database
    let catalog: Catalog
    let audit: Audit

    init(clock: Clock = .system) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try Database(
            path: folder + "/latchkey.db", migrations: Audit.migrations + Catalog.migrations, clock: clock)
        catalog = Self.catalog(over: database, master: "first", clock: clock)
        audit = Audit(database: database, chain: Self.keys.auditChain, entropy: .system)
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    static func catalog(over database: Database, master: String, clock: Clock = .system) -> Catalog {
        let keys = DeploymentSecrets(master: Secret(master), pepper: Secret("pepper"))
        return Catalog(
            database: database, sealing: keys.sealing, generations: Generations(), entropy: .system, clock: clock)
    }

    /// Whether any file of the database has this text in it.
    func isOnDisk(_ text: String) throws -> Bool {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        precondition(names.contains("latchkey.db"))
        return try names.contains { name in
            try Data(contentsOf: URL(filePath: folder + "/" + name)).range(of: Data(text.utf8)) != nil
        }
    }

    func openAI(_ name: String, url: String = "https://api.example.com/v1", secret: String? = nil) async throws
        -> Provider
    {
        try await catalog.createProvider(
            ProviderDraft(name: try good(name), upstream: .openai(try good(url), secret: secret.map { Secret($0) })),
            by: .test)
    }

    /// What a route leads to: address and secret.
    func upstream(of model: String) async throws -> (url: String, secret: String?)? {
        guard case .openai(let url, let secret)? = try await catalog.route(model)?.upstream else { return nil }
        return (url.text, secret?.exposed())
    }
}
