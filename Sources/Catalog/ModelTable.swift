import Database
import Values

/// The SQL of `models`.
enum ModelTable {
    struct RouteRow: Sendable {
        let model: Identifier
        let upstreamName: String
        let systemMessages: SystemMessages
        let upstream: ProviderTable.UpstreamRow
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

    private static let columns = "id, provider_id, name, upstream_name, system_messages, created_at"

    static func page(_ page: Page, _ connection: Connection) throws -> [Model] {
        try connection.rows(
            "SELECT \(columns) FROM models WHERE id < $1 ORDER BY id DESC LIMIT $2", page.bound, page.fetch
        ).map { try model($0, connection) }
    }

    static func page(of provider: Identifier, _ page: Page, _ connection: Connection) throws -> [Model] {
        try connection.rows(
            "SELECT \(columns) FROM models WHERE provider_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3", provider,
            page.bound, page.fetch
        ).map { try model($0, connection) }
    }

    static func model(_ id: Identifier, _ connection: Connection) throws -> Model? {
        try connection.row("SELECT \(columns) FROM models WHERE id = $1", id).map { try model($0, connection) }
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
        return RouteRow(
            model: try row.identifier("id"), upstreamName: try row.text("upstream_name"),
            systemMessages: try systemMessages(row), upstream: try ProviderTable.UpstreamRow(row),
            prices: try PriceTable.all(of: row.identifier("id"), connection))
    }

    private static func model(_ row: Row, _ connection: Connection) throws -> Model {
        Model(
            id: try row.identifier("id"), provider: try row.identifier("provider_id"), name: try row.text("name"),
            upstreamName: try row.text("upstream_name"), systemMessages: try systemMessages(row),
            prices: try PriceTable.all(of: row.identifier("id"), connection), createdAt: try row.time("created_at"))
    }

    private static func systemMessages(_ row: Row) throws -> SystemMessages {
        guard let setting = SystemMessages(rawValue: try row.text("system_messages")) else {
            throw DatabaseFailure.malformedRow(column: "system_messages")
        }
        return setting
    }
}
