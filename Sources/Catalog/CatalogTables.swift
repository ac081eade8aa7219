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
        "CREATE INDEX models_by_provider ON models (provider_id, id)",
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

    /// Where the calls of a provider go.
    struct UpstreamRow: Sendable {
        let provider: Identifier
        let kind: Provider.Kind
        let baseURL: String?
        let sealedSecret: String?
    }

    static func upstream(of id: Identifier, _ connection: Connection) throws -> UpstreamRow? {
        try connection.row(
            "SELECT id AS provider_id, kind, base_url, sealed_secret FROM providers WHERE id = $1", id
        ).map(UpstreamRow.init)
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

    fileprivate static func kind(_ row: Row) throws -> Provider.Kind {
        guard let kind = Provider.Kind(rawValue: try row.text("kind")) else {
            throw DatabaseFailure.malformedRow(column: "kind")
        }
        return kind
    }

    private static func provider(_ row: Row) throws -> Provider {
        Provider(
            id: try row.identifier("id"), name: try row.text("name"), kind: try kind(row),
            baseURL: try row.optionalText("base_url").flatMap(BaseURL.init), hasSecret: try row.flag("has_secret"),
            createdAt: try row.time("created_at"), updatedAt: try row.time("updated_at"))
    }
}

extension ProviderTable.UpstreamRow {
    init(_ row: Row) throws {
        self.init(
            provider: try row.identifier("provider_id"), kind: try ProviderTable.kind(row),
            baseURL: try row.optionalText("base_url"), sealedSecret: try row.optionalText("sealed_secret"))
    }
}
