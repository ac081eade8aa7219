import Catalog
import Database
import Secrets
import TestSupport
import Values

@testable import Audit

/// A catalog over a database file of its own, with keys of its own.
final class CatalogHouse: House, Sendable {
    let platform: Platform
    let catalog: Catalog

    init(_ hand: HandClock = HandClock(Timestamp(microseconds: 1_780_315_200_000_000))) throws {
        platform = try Platform(hand)
        catalog = Self.catalog(over: platform.database, master: "first", clock: hand.clock)
    }

    static func catalog(over database: Database, master: String, clock: Clock = .system) -> Catalog {
        let keys = DeploymentSecrets(master: Secret(master), pepper: Secret("pepper"))
        return Catalog(
            database: database, sealing: keys.sealing, generations: Generations(), entropy: .system, clock: clock)
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
