import Catalog
import Database
import Secrets
import TestSupport
import Testing
import Values

@Suite("Secrets of providers")
struct ProviderSecretTests {
    private let house: CatalogHouse
    private let planted = "planted-9f27c1-provider-secret"

    init() throws { house = try CatalogHouse() }

    @Test("a secret opens for the route and lies in no byte of the files") func sealed() async throws {
        let provider = try await house.openAI("planted-name", secret: planted)
        #expect(provider.hasSecret)
        _ = try await house.catalog.createModel(
            provider: provider.id, name: good("m"), upstreamName: nil, price: .standard, by: .test)
        #expect(try await house.upstream(of: "m")?.secret == planted)
        #expect(try house.isOnDisk("planted-name"))
        #expect(try !house.isOnDisk(planted))
        let edit = ProviderEdit(name: nil, baseURL: nil, secret: .set(Secret(planted + "-2")))
        _ = try await house.catalog.editProvider(provider.id, edit, by: .test)
        try house.database.close()
        #expect(try house.isOnDisk("planted-name"))
        #expect(try !house.isOnDisk(planted))
    }

    @Test("a sealed secret copied to another provider opens nothing there") func bound() async throws {
        let rich = try await house.openAI("rich", secret: planted)
        let poor = try await house.openAI("poor", url: "https://attacker.example")
        _ = try await house.catalog.createModel(
            provider: poor.id, name: good("stolen"), upstreamName: nil, price: .standard, by: .test)
        try await house.database.write { connection in
            try connection.run(
                """
                UPDATE providers SET sealed_secret = (SELECT sealed_secret FROM providers WHERE id = $1)
                WHERE id = $2
                """, rich.id, poor.id)
        }
        await #expect(throws: SealingError.self) { try await house.catalog.route("stolen") }
    }

    @Test("another master key opens no secret") func otherMaster() async throws {
        let provider = try await house.openAI("p", secret: planted)
        _ = try await house.catalog.createModel(
            provider: provider.id, name: good("m"), upstreamName: nil, price: .standard, by: .test)
        let stranger = CatalogHouse.catalog(over: house.database, master: "second")
        await #expect(throws: SealingError.self) { try await stranger.route("m") }
        #expect(try await house.upstream(of: "m")?.secret == planted)
    }

    @Test("the same secret sealed twice looks different each time") func nonces() async throws {
        for name in ["a", "b"] { _ = try await house.openAI(name, secret: planted) }
        let rows = try await house.database.read { connection in
            try connection.rows("SELECT sealed_secret FROM providers WHERE kind = 'openai'").map {
                try $0.text("sealed_secret")
            }
        }
        #expect(Set(rows).count == 2)
        #expect(rows.allSatisfy { $0.hasPrefix("v1.") })
    }
}
