package import Database
import Values

extension Catalog {
    /// The tables of this room. The built-in provider and its model come with the schema, so that a fresh deployment can
    /// answer a call before it knows any upstream; an admin may delete them like any other. The kinds of providers will
    /// grow, so the schema holds no list of them.
    package static let migrations = [Migration("catalog-1", offered + pricing)]

    private static let offered = [
        """
        CREATE TABLE providers (
          id TEXT PRIMARY KEY,
          name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
          kind TEXT NOT NULL,
          base_url TEXT,
          sealed_secret TEXT,
          created_at BIGINT NOT NULL,
          updated_at BIGINT NOT NULL,
          CHECK (base_url IS NOT NULL OR sealed_secret IS NULL)
        )
        """,
        """
        CREATE TABLE models (
          id TEXT PRIMARY KEY,
          provider_id TEXT NOT NULL REFERENCES providers (id),
          name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
          upstream_name TEXT NOT NULL,
          system_messages TEXT NOT NULL,
          created_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX models_by_provider ON models (provider_id)",
        """
        INSERT INTO providers (id, name, kind, created_at, updated_at)
        VALUES ('019aa5d0-0000-7000-8000-000000000001', 'echo', 'echo', 1795219200000000, 1795219200000000)
        """,
        """
        INSERT INTO models (id, provider_id, name, upstream_name, system_messages, created_at)
        VALUES ('019aa5d0-0000-7000-8000-000000000002', '019aa5d0-0000-7000-8000-000000000001', 'echo', 'echo', 'keep',
          1795219200000000)
        """,
    ]
}

/// The SQL of `providers`.
enum ProviderTable {
    private static let columns =
        "id, name, kind, base_url, sealed_secret IS NOT NULL AS has_secret, created_at, updated_at"

    static func insert(_ provider: Provider, _ sealed: String?, _ connection: Connection) throws {
        let count = try connection.run(
            """
            INSERT INTO providers (id, name, kind, base_url, sealed_secret, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (name) DO NOTHING
            """, provider.id, provider.name, provider.kind.rawValue, provider.baseURL?.text, sealed, provider.createdAt)
        guard count == 1 else { throw CatalogError.nameTaken }
    }

    static func page(_ page: Page, _ connection: Connection) throws -> [Provider] {
        try connection.rows(
            "SELECT \(columns) FROM providers WHERE id < $1 ORDER BY id DESC LIMIT $2", page.bound, page.fetch
        ).map(provider)
    }

    static func find(_ id: Identifier, _ connection: Connection) throws -> Provider? {
        try connection.row("SELECT \(columns) FROM providers WHERE id = $1", id).map(provider)
    }

    static func update(_ provider: Provider, _ connection: Connection) throws {
        let other = try connection.row(
            "SELECT 1 AS one FROM providers WHERE name = $1 AND id <> $2", provider.name, provider.id)
        guard other == nil else { throw CatalogError.nameTaken }
        try connection.run(
            "UPDATE providers SET name = $2, base_url = $3, updated_at = $4 WHERE id = $1", provider.id, provider.name,
            provider.baseURL?.text, provider.updatedAt)
    }

    static func sealedSecret(of provider: Identifier, _ connection: Connection) throws -> String? {
        try connection.row("SELECT sealed_secret FROM providers WHERE id = $1", provider)?
            .optionalText("sealed_secret")
    }

    static func setSecret(_ sealed: String?, of provider: Identifier, _ connection: Connection) throws {
        try connection.run("UPDATE providers SET sealed_secret = $2 WHERE id = $1", provider, sealed)
    }

    static func delete(_ id: Identifier, _ connection: Connection) throws -> Int {
        try connection.run("DELETE FROM providers WHERE id = $1", id)
    }

    private static func provider(_ row: Row) throws -> Provider {
        guard let kind = Provider.Kind(rawValue: try row.text("kind")) else {
            throw DatabaseFailure.malformedRow(column: "kind")
        }
        return Provider(
            id: try row.identifier("id"), name: try row.text("name"), kind: kind,
            baseURL: try row.optionalText("base_url").flatMap(BaseURL.init), hasSecret: try row.flag("has_secret"),
            createdAt: try row.time("created_at"), updatedAt: try row.time("updated_at"))
    }
}

/// The SQL of `models`.
enum ModelTable {
    struct RouteRow: Sendable {
        let model: Identifier
        let provider: Identifier
        let upstreamName: String
        let systemMessages: SystemMessages
        let kind: Provider.Kind
        let baseURL: String?
        let sealedSecret: String?
        let prices: [PriceVersion]
    }

    static func insert(_ model: Model, _ connection: Connection) throws {
        let count = try connection.run(
            """
            INSERT INTO models (id, provider_id, name, upstream_name, system_messages, created_at)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING
            """, model.id, model.provider, model.name, model.upstreamName, model.systemMessages.rawValue,
            model.createdAt)
        guard count == 1 else { throw CatalogError.nameTaken }
    }

    static func page(_ page: Page, _ connection: Connection) throws -> [Model] {
        try connection.rows(
            """
            SELECT id, provider_id, name, upstream_name, system_messages, created_at FROM models
            WHERE id < $1 ORDER BY id DESC LIMIT $2
            """, page.bound, page.fetch
        ).map { row in
            Model(
                id: try row.identifier("id"), provider: try row.identifier("provider_id"), name: try row.text("name"),
                upstreamName: try row.text("upstream_name"), systemMessages: try systemMessages(row),
                prices: try PriceTable.all(of: row.identifier("id"), connection), createdAt: try row.time("created_at"))
        }
    }

    /// The name of a model.
    static func find(_ id: Identifier, _ connection: Connection) throws -> String? {
        try connection.row("SELECT name FROM models WHERE id = $1", id).map { try $0.text("name") }
    }

    static func exists(_ name: String, _ connection: Connection) throws -> Bool {
        try connection.row("SELECT 1 AS one FROM models WHERE name = $1", name) != nil
    }

    static func delete(_ id: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM models WHERE id = $1", id)
    }

    static func route(_ name: String, _ connection: Connection) throws -> RouteRow? {
        let row = try connection.row(
            """
            SELECT models.id, models.provider_id, models.upstream_name, models.system_messages, providers.kind,
              providers.base_url, providers.sealed_secret
            FROM models JOIN providers ON providers.id = models.provider_id
            WHERE models.name = $1
            """, name)
        guard let row else { return nil }
        guard let kind = Provider.Kind(rawValue: try row.text("kind")) else {
            throw DatabaseFailure.malformedRow(column: "kind")
        }
        return RouteRow(
            model: try row.identifier("id"), provider: try row.identifier("provider_id"),
            upstreamName: try row.text("upstream_name"), systemMessages: try systemMessages(row), kind: kind,
            baseURL: try row.optionalText("base_url"), sealedSecret: try row.optionalText("sealed_secret"),
            prices: try PriceTable.all(of: row.identifier("id"), connection))
    }

    private static func systemMessages(_ row: Row) throws -> SystemMessages {
        guard let setting = SystemMessages(rawValue: try row.text("system_messages")) else {
            throw DatabaseFailure.malformedRow(column: "system_messages")
        }
        return setting
    }
}
