package import Audit
package import Database
package import Secrets
package import Values

/// What the operator offers: providers, their models, the price of each model, and pricing groups.
///
/// A provider is an upstream that an admin configured, with a base URL and a secret; a model is a name it serves,
/// unique in the deployment. Users choose among models and never name an address, so no user can point the gateway at
/// one (CVE-2024-6587 is what happens otherwise). Prices and the multipliers of groups are versions with a time from
/// which they hold, never changed, so that any charge can be explained by the versions it names. This room owns the
/// tables `providers`, `models`, `model_prices`, `pricing_groups` and `group_multipliers`, and the sealing of provider
/// secrets. It must not know who uses a model or a group; the schema refuses to delete one that is in use.
package struct Catalog: Sendable {
    let database: Database
    private let sealing: SealingBox
    let generations: Generations
    private let entropy: Entropy
    let clock: Clock
    let routes: ReadThrough<ModelName, ModelRoute>
    let heldGroups: ReadThrough<String, PricingGroup>

    package init(database: Database, sealing: SealingBox, generations: Generations, entropy: Entropy, clock: Clock) {
        self.database = database
        self.sealing = sealing
        self.generations = generations
        self.entropy = entropy
        self.clock = clock
        routes = ReadThrough(capacity: 10_000) { name in
            guard let row = try await database.read({ try ModelTable.route(name.text, $0) }) else { return nil }
            return try ModelRoute(row, name: name.text, sealing: sealing)
        }
        heldGroups = ReadThrough(capacity: 10_000) { name in
            try await database.read { try GroupTable.find(name, $0) }
        }
    }

    func newID(_ now: Timestamp) -> Identifier { Identifier(at: now, random: (entropy.word(), entropy.word())) }

    // MARK: Providers

    package func createProvider(_ draft: ProviderDraft, by author: Author) async throws -> Provider {
        let now = clock.now()
        let id = newID(now)
        let provider = Provider(
            id: id, name: draft.name.text, kind: draft.upstream.kind, baseURL: draft.upstream.baseURL,
            hasSecret: draft.upstream.secret != nil, createdAt: now, updatedAt: now)
        let sealed = draft.upstream.secret.map { seal($0, for: id) }
        try await database.write { connection in
            try ProviderTable.insert(provider, sealed, connection)
            try author.record(
                .providerCreate, account: nil, object: id.description,
                detail: ["name": provider.name, "kind": provider.kind.rawValue], at: now, in: connection)
        }
        return provider
    }

    package func providers(_ page: Page) async throws -> Listing<Provider> {
        try await database.read { Listing(try ProviderTable.page(page, $0), page, id: \.id) }
    }

    package func provider(_ id: Identifier) async throws -> Provider {
        guard let provider = try await database.read({ try ProviderTable.find(id, $0) }) else {
            throw CatalogError.notFound
        }
        return provider
    }

    /// Where the calls of a provider go, with its secret opened.
    package func upstream(of provider: Identifier) async throws -> ModelRoute.Upstream {
        guard let row = try await database.read({ try ProviderTable.upstream(of: provider, $0) }) else {
            throw CatalogError.notFound
        }
        return try ModelRoute.Upstream(row, sealing: sealing)
    }

    /// Binds the very next call. What changes nothing writes nothing.
    package func editProvider(
        _ id: Identifier, _ edit: ProviderEdit, by author: Author
    ) async throws -> Provider {
        let now = clock.now()
        let provider = try await database.write { connection in
            guard let old = try ProviderTable.find(id, connection) else { throw CatalogError.notFound }
            if old.kind == .echo, edit.baseURL != nil { throw CatalogError.echoTakesNo("base_url") }
            if old.kind == .echo, case .set = edit.secret { throw CatalogError.echoTakesNo("secret") }
            var new = old
            new.name = edit.name?.text ?? old.name
            new.baseURL = edit.baseURL ?? old.baseURL
            let changes = try changes(new, from: old, edit.secret, connection)
            if changes.isEmpty { return old }
            new.updatedAt = now
            try ProviderTable.update(new, connection)
            switch edit.secret {
            case .keep: break
            case .clear: try ProviderTable.setSecret(nil, of: id, connection)
            case .set(let secret): try ProviderTable.setSecret(seal(secret, for: id), of: id, connection)
            }
            try author.record(
                .providerEdit, account: nil, object: id.description, detail: changes.detail, at: now,
                in: connection)
            return try ProviderTable.find(id, connection) ?? new
        }
        routes.invalidate { _, _ in true }
        generations.changedForAll()
        return provider
    }

    /// Of the secret only that it changed.
    private func changes(
        _ new: Provider, from old: Provider, _ secret: SecretEdit<Secret>, _ connection: Connection
    ) throws -> Changes {
        var changes = Changes()
        changes.note("name", from: old.name, to: new.name)
        changes.note("base_url", from: old.baseURL?.text, to: new.baseURL?.text)
        switch secret {
        case .keep: break
        case .clear: if old.hasSecret { changes.note(unseen: "secret", isSet: false) }
        case .set(let given):
            let sealed = try ProviderTable.sealedSecret(of: new.id, connection)
            let kept = sealed.flatMap { try? sealing.open($0, context: ModelRoute.sealingContext(new.id)) }
            if kept?.isSame(as: given) != true { changes.note(unseen: "secret", isSet: true) }
        }
        return changes
    }

    package func deleteProvider(_ id: Identifier, by author: Author) async throws {
        let now = clock.now()
        do {
            try await database.write { connection in
                guard try ProviderTable.delete(id, connection) > 0 else { throw CatalogError.notFound }
                try author.record(
                    .providerDelete, account: nil, object: id.description, at: now, in: connection)
            }
        } catch DatabaseFailure.foreignKey {
            throw CatalogError.providerInUse
        }
        routes.invalidate { _, _ in true }
        generations.changedForAll()
    }

    private func seal(_ secret: Secret, for provider: Identifier) -> String {
        sealing.seal(secret, context: ModelRoute.sealingContext(provider), entropy: entropy)
    }
}

/// Why the catalog can't be changed as asked.
package enum CatalogError: Error, Sendable, Equatable {
    case notFound
    case nameTaken
    case noSuchProvider
    case providerInUse
    case modelInUse
    /// The built-in provider needs no network, so it takes neither address nor secret.
    case echoTakesNo(String)
    /// There is a version for this very moment.
    case versionExists
    /// What has begun to hold stays in the history.
    case versionInEffect
    case effectiveInPast
    /// The group has other versions than when somebody looked at it.
    case previewOutdated
    /// The group that every account falls back on.
    case standardGroup
}
