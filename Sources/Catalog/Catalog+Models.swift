package import Audit
package import Database
package import Values

/// The models that providers serve.
extension Catalog {
    package func createModel(
        provider: Identifier, name: ModelName, upstreamName: ModelName?, systemMessages: SystemMessages = .keep,
        price: Price, by author: Author
    ) async throws -> Model {
        let now = clock.now()
        let id = newID(now)
        let version = PriceVersion(id: newID(now), model: id, price: price, effectiveAt: now, createdAt: now)
        let model = Model(
            id: id, provider: provider, name: name.text, upstreamName: (upstreamName ?? name).text,
            systemMessages: systemMessages, prices: [version], createdAt: now)
        do {
            try await database.write { connection in
                try ModelTable.insert(model, connection)
                try PriceTable.insert(version, connection)
                try author.record(
                    .modelCreate, account: nil, object: id.description,
                    detail: ["name": name.text, "price": price.credits.decimal], at: now, in: connection)
            }
        } catch DatabaseFailure.foreignKey {
            throw CatalogError.noSuchProvider
        }
        routes.invalidate(name)
        generations.changedForAll()
        return model
    }

    package func models(_ page: Page) async throws -> Listing<Model> {
        try await database.read { Listing(try ModelTable.page(page, $0), page, id: \.id) }
    }

    /// Those of one provider; none of a provider that isn't there.
    package func models(of provider: Identifier, _ page: Page) async throws -> Listing<Model> {
        try await database.read { Listing(try ModelTable.page(of: provider, page, $0), page, id: \.id) }
    }

    package func model(_ id: Identifier) async throws -> Model {
        guard let model = try await database.read({ try ModelTable.model(id, $0) }) else { throw CatalogError.notFound }
        return model
    }

    package func deleteModel(_ id: Identifier, by author: Author) async throws {
        let now = clock.now()
        do {
            try await database.write { connection in
                guard let name = try ModelTable.find(id, connection) else { throw CatalogError.notFound }
                try ModelTable.delete(id, connection)
                try author.record(
                    .modelDelete, account: nil, object: id.description, detail: ["name": name], at: now, in: connection)
            }
        } catch DatabaseFailure.foreignKey {
            throw CatalogError.modelInUse
        }
        routes.invalidate { _, route in route.model == id }
        generations.changedForAll()
    }

    /// Where calls for a model go; `nil` when the operator offers no such model.
    /// - Parameter model: as a caller wrote it. What can be no name is looked for nowhere.
    package func route(_ model: String) async throws -> ModelRoute? {
        guard let name = ModelName(model) else { return nil }
        return try await routes.value(name)
    }

    /// The first of `names` that the catalog doesn't have, as seen by the transaction of `connection`.
    package static func firstUnknown(_ names: [String], in connection: Connection) throws -> Int? {
        try names.firstIndex { try !ModelTable.exists($0, connection) }
    }
}
