import Database
import Values

extension Catalog {
    /// Versions of a deleted model stay, for the charges that name them: hence no foreign key. So do withdrawn ones, since
    /// a clock that was ahead for a while may have charged by them.
    static let pricing = [
        """
        CREATE TABLE model_prices (
          id TEXT PRIMARY KEY,
          model_id TEXT NOT NULL,
          amount BIGINT NOT NULL CHECK (amount BETWEEN 0 AND 1000000000000000),
          effective_at BIGINT NOT NULL,
          created_at BIGINT NOT NULL,
          withdrawn_at BIGINT
        )
        """,
        """
        CREATE UNIQUE INDEX model_prices_by_time ON model_prices (model_id, effective_at) WHERE withdrawn_at IS NULL
        """,
        """
        INSERT INTO model_prices (id, model_id, amount, effective_at, created_at)
        VALUES ('019aa5d0-0000-7000-8000-000000000004', '019aa5d0-0000-7000-8000-000000000002', 20000000,
          1795219200000000, 1795219200000000)
        """,
        """
        CREATE TABLE pricing_groups (
          name TEXT PRIMARY KEY,
          is_retired BIGINT NOT NULL CHECK (is_retired IN (0, 1)),
          created_at BIGINT NOT NULL,
          updated_at BIGINT NOT NULL
        )
        """,
        """
        CREATE TABLE group_multipliers (
          id TEXT PRIMARY KEY,
          group_name TEXT NOT NULL REFERENCES pricing_groups (name),
          multiplier BIGINT NOT NULL CHECK (multiplier BETWEEN 0 AND 1000000000),
          effective_at BIGINT NOT NULL,
          created_at BIGINT NOT NULL,
          withdrawn_at BIGINT
        )
        """,
        """
        CREATE UNIQUE INDEX group_multipliers_by_time ON group_multipliers (group_name, effective_at)
        WHERE withdrawn_at IS NULL
        """,
        "CREATE INDEX group_multipliers_by_group ON group_multipliers (group_name)",
        """
        INSERT INTO pricing_groups (name, is_retired, created_at, updated_at)
        VALUES ('standard', 0, 1795219200000000, 1795219200000000)
        """,
        """
        INSERT INTO group_multipliers (id, group_name, multiplier, effective_at, created_at)
        VALUES ('019aa5d0-0000-7000-8000-000000000003', 'standard', 1000000, 1795219200000000, 1795219200000000)
        """,
    ]
}

/// The SQL of `model_prices`.
enum PriceTable {
    private static let columns = "id, model_id, amount, effective_at, created_at"

    static func insert(_ version: PriceVersion, _ connection: Connection) throws {
        let count = try connection.run(
            """
            INSERT INTO model_prices (\(columns)) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (model_id, effective_at) WHERE withdrawn_at IS NULL DO NOTHING
            """, version.id, version.model, version.price.credits, version.effectiveAt, version.createdAt)
        guard count == 1 else { throw CatalogError.versionExists }
    }

    static func page(of model: Identifier, _ page: Page, _ connection: Connection) throws -> [PriceVersion] {
        try connection.rows(
            """
            SELECT \(columns) FROM model_prices
            WHERE model_id = $1 AND withdrawn_at IS NULL AND id < $2 ORDER BY id DESC LIMIT $3
            """, model, page.bound, page.fetch
        ).map(version)
    }

    /// The versions of a model, the earliest first.
    static func all(of model: Identifier, _ connection: Connection) throws -> [PriceVersion] {
        try connection.rows(
            """
            SELECT \(columns) FROM model_prices WHERE model_id = $1 AND withdrawn_at IS NULL ORDER BY effective_at
            """, model
        ).map(version)
    }

    static func find(_ id: Identifier, of model: Identifier, _ connection: Connection) throws -> PriceVersion? {
        try connection.row(
            "SELECT \(columns) FROM model_prices WHERE id = $1 AND model_id = $2 AND withdrawn_at IS NULL", id, model
        ).map(version)
    }

    /// Any version, also a withdrawn one.
    static func find(_ id: Identifier, _ connection: Connection) throws -> PriceVersion? {
        try connection.row("SELECT \(columns) FROM model_prices WHERE id = $1", id).map(version)
    }

    static func withdraw(_ id: Identifier, _ now: Timestamp, _ connection: Connection) throws {
        try connection.run("UPDATE model_prices SET withdrawn_at = $2 WHERE id = $1", id, now)
    }

    private static func version(_ row: Row) throws -> PriceVersion {
        guard let price = Price(try row.credits("amount")) else {
            throw DatabaseFailure.malformedRow(column: "amount")
        }
        return PriceVersion(
            id: try row.identifier("id"), model: try row.identifier("model_id"), price: price,
            effectiveAt: try row.time("effective_at"), createdAt: try row.time("created_at"))
    }
}

/// The SQL of `pricing_groups`.
enum GroupTable {
    static func insert(_ group: PricingGroup, _ connection: Connection) throws {
        let count = try connection.run(
            """
            INSERT INTO pricing_groups (name, is_retired, created_at, updated_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO NOTHING
            """, group.name, group.isRetired, group.createdAt, group.updatedAt)
        guard count == 1 else { throw CatalogError.nameTaken }
    }

    static func page(
        usable: Set<String>?, after: String, limit: Int, _ connection: Connection
    ) throws -> [PricingGroup] {
        guard let usable else {
            return try connection.rows(
                "SELECT * FROM pricing_groups WHERE name > $1 ORDER BY name LIMIT $2", after, limit
            ).map { try group($0, connection) }
        }
        return try usable.filter { $0 > after }.sorted().prefix(limit).compactMap { try find($0, connection) }
    }

    static func find(_ name: String, _ connection: Connection) throws -> PricingGroup? {
        try connection.row("SELECT * FROM pricing_groups WHERE name = $1", name).map { try group($0, connection) }
    }

    static func setRetired(_ name: String, _ isRetired: Bool, _ now: Timestamp, _ connection: Connection) throws {
        try connection.run(
            "UPDATE pricing_groups SET is_retired = $2, updated_at = $3 WHERE name = $1", name, isRetired, now)
    }

    private static func group(_ row: Row, _ connection: Connection) throws -> PricingGroup {
        let name = try row.text("name")
        return PricingGroup(
            name: name, isRetired: try row.flag("is_retired"),
            multipliers: try MultiplierTable.all(of: name, connection),
            createdAt: try row.time("created_at"), updatedAt: try row.time("updated_at"))
    }
}

/// The SQL of `group_multipliers`.
enum MultiplierTable {
    private static let columns = "id, group_name, multiplier, effective_at, created_at"

    static func insert(_ version: MultiplierVersion, _ connection: Connection) throws {
        let count = try connection.run(
            """
            INSERT INTO group_multipliers (\(columns)) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (group_name, effective_at) WHERE withdrawn_at IS NULL DO NOTHING
            """, version.id, version.group, version.multiplier.millionths, version.effectiveAt, version.createdAt)
        guard count == 1 else { throw CatalogError.versionExists }
    }

    static func page(of group: String, _ page: Page, _ connection: Connection) throws -> [MultiplierVersion] {
        try connection.rows(
            """
            SELECT \(columns) FROM group_multipliers
            WHERE group_name = $1 AND withdrawn_at IS NULL AND id < $2 ORDER BY id DESC LIMIT $3
            """, group, page.bound, page.fetch
        ).map(version)
    }

    /// The versions of a group, the earliest first.
    static func all(of group: String, _ connection: Connection) throws -> [MultiplierVersion] {
        try connection.rows(
            """
            SELECT \(columns) FROM group_multipliers WHERE group_name = $1 AND withdrawn_at IS NULL
            ORDER BY effective_at
            """, group
        ).map(version)
    }

    static func everyID(of group: String, _ connection: Connection) throws -> Set<Identifier> {
        Set(
            try connection.rows("SELECT id FROM group_multipliers WHERE group_name = $1", group)
                .map { try $0.identifier("id") })
    }

    static func find(_ id: Identifier, of group: String, _ connection: Connection) throws -> MultiplierVersion? {
        try connection.row(
            """
            SELECT \(columns) FROM group_multipliers WHERE id = $1 AND group_name = $2 AND withdrawn_at IS NULL
            """, id, group
        ).map(version)
    }

    /// Any version, also a withdrawn one.
    static func find(_ id: Identifier, _ connection: Connection) throws -> MultiplierVersion? {
        try connection.row("SELECT \(columns) FROM group_multipliers WHERE id = $1", id).map(version)
    }

    static func withdraw(_ id: Identifier, _ now: Timestamp, _ connection: Connection) throws {
        try connection.run("UPDATE group_multipliers SET withdrawn_at = $2 WHERE id = $1", id, now)
    }

    private static func version(_ row: Row) throws -> MultiplierVersion {
        guard let multiplier = Multiplier(millionths: try row.integer("multiplier")) else {
            throw DatabaseFailure.malformedRow(column: "multiplier")
        }
        return MultiplierVersion(
            id: try row.identifier("id"), group: try row.text("group_name"), multiplier: multiplier,
            effectiveAt: try row.time("effective_at"), createdAt: try row.time("created_at"))
    }
}
