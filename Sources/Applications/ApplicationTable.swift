package import Database
import Values

extension Applications {
    /// The tables of this room. A model is referred to by its name, which is unique and never changes; the schema thereby
    /// keeps a model that an app uses from being deleted. A deleted app gives its models free and keeps its row. The
    /// kinds will grow, so the schema holds no list of them.
    package static let migrations = [
        Migration(
            "applications-1",
            [
                """
                CREATE TABLE applications (
                  id TEXT PRIMARY KEY,
                  account_id TEXT NOT NULL REFERENCES accounts (id),
                  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
                  kind TEXT NOT NULL,
                  model TEXT REFERENCES models (name),
                  system_prompt TEXT,
                  parameters TEXT NOT NULL,
                  created_at BIGINT NOT NULL,
                  updated_at BIGINT NOT NULL,
                  deleted_at BIGINT,
                  CHECK (deleted_at IS NULL OR model IS NULL)
                )
                """,
                "CREATE INDEX applications_by_account ON applications (account_id, id)",
                "CREATE INDEX applications_by_model ON applications (model)",
                """
                CREATE TABLE application_models (
                  application_id TEXT NOT NULL REFERENCES applications (id),
                  position BIGINT NOT NULL,
                  model TEXT NOT NULL REFERENCES models (name),
                  PRIMARY KEY (application_id, model)
                )
                """,
                "CREATE INDEX application_models_by_model ON application_models (model)",
            ])
    ]
}

/// The SQL of `applications` and `application_models`.
enum ApplicationTable {
    private static let columns = "id, account_id, name, model, system_prompt, parameters, created_at, updated_at"

    static func insert(_ app: Application, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO applications
              (id, account_id, name, kind, model, system_prompt, parameters, created_at, updated_at)
            VALUES ($1, $2, $3, 'chat', $4, $5, $6, $7, $8)
            """, app.id, app.account, app.name, app.chat.model, app.chat.systemPrompt, app.chat.parameters.stored,
            app.createdAt, app.updatedAt)
        try insertModels(app, connection)
    }

    static func update(_ app: Application, _ connection: Connection) throws {
        try connection.run(
            """
            UPDATE applications SET name = $3, model = $4, system_prompt = $5, parameters = $6, updated_at = $7
            WHERE id = $1 AND account_id = $2
            """, app.id, app.account, app.name, app.chat.model, app.chat.systemPrompt, app.chat.parameters.stored,
            app.updatedAt)
        try connection.run("DELETE FROM application_models WHERE application_id = $1", app.id)
        try insertModels(app, connection)
    }

    static func page(of account: Identifier, _ page: Page, _ connection: Connection) throws -> [Application] {
        try connection.rows(
            """
            SELECT \(columns) FROM applications
            WHERE account_id = $1 AND id < $2 AND deleted_at IS NULL ORDER BY id DESC LIMIT $3
            """, account, page.bound, page.fetch
        ).map { try application($0, connection) }
    }

    static func all(of account: Identifier, _ connection: Connection) throws -> [Identifier] {
        try connection.rows(
            "SELECT id FROM applications WHERE account_id = $1 AND deleted_at IS NULL ORDER BY id", account
        ).map { try $0.identifier("id") }
    }

    static func count(of account: Identifier, _ connection: Connection) throws -> Int {
        let row = try connection.row(
            "SELECT count(*) AS live FROM applications WHERE account_id = $1 AND deleted_at IS NULL", account)
        return Int(try row?.integer("live") ?? 0)
    }

    static func find(_ id: Identifier, of account: Identifier, _ connection: Connection) throws -> Application? {
        try connection.row(
            "SELECT \(columns) FROM applications WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL", id, account
        ).map { try application($0, connection) }
    }

    /// For the gateway, which has the id from a key's record.
    static func find(_ id: Identifier, _ connection: Connection) throws -> Application? {
        try connection.row("SELECT \(columns) FROM applications WHERE id = $1 AND deleted_at IS NULL", id)
            .map { try application($0, connection) }
    }

    static func remove(
        _ id: Identifier, of account: Identifier, _ now: Timestamp, _ connection: Connection
    ) throws -> Bool {
        let count = try connection.run(
            """
            UPDATE applications SET deleted_at = $3, updated_at = $3, model = NULL, system_prompt = NULL
            WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL
            """, id, account, now)
        if count == 1 { try connection.run("DELETE FROM application_models WHERE application_id = $1", id) }
        return count == 1
    }

    private static func insertModels(_ app: Application, _ connection: Connection) throws {
        for (position, model) in app.chat.allowedModels.enumerated() {
            try connection.run(
                "INSERT INTO application_models (application_id, position, model) VALUES ($1, $2, $3)", app.id,
                position,
                model)
        }
    }

    private static func application(_ row: Row, _ connection: Connection) throws -> Application {
        let id = try row.identifier("id")
        let models = try connection.rows(
            "SELECT model FROM application_models WHERE application_id = $1 ORDER BY position", id
        ).map { try $0.text("model") }
        guard let parameters = ChatParameters(stored: try row.text("parameters")) else {
            throw DatabaseFailure.malformedRow(column: "parameters")
        }
        return Application(
            id: id, account: try row.identifier("account_id"), name: try row.text("name"),
            chat: ChatSettings(
                storedModel: try row.text("model"), allowedModels: models,
                systemPrompt: try row.optionalText("system_prompt").map { Text($0) }, parameters: parameters),
            createdAt: try row.time("created_at"), updatedAt: try row.time("updated_at"))
    }
}
