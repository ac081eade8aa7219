import Accounts
package import Catalog
package import Database
import Secrets
package import Values

/// A model as one account sees it.
package struct ModelOffer: Sendable {
    package let model: Model
    /// What a call costs before the account's multiplier, and with it.
    package let price: Price?
    package let cost: Credits?
    /// Where a model comes from is the operator's business.
    package let isForOperator: Bool
}

/// A provider as somebody asks for one.
package struct NewProvider: Sendable {
    package var name: DisplayName
    package var kind: Provider.Kind
    package var baseURL: BaseURL?
    package var secret: ProviderSecret?

    package init(name: DisplayName, kind: Provider.Kind, baseURL: BaseURL?, secret: ProviderSecret?) {
        self.name = name
        self.kind = kind
        self.baseURL = baseURL
        self.secret = secret
    }

    fileprivate func upstream() throws -> ProviderDraft.Upstream {
        switch kind {
        case .openai:
            guard let baseURL else {
                throw Refusal.invalid("base_url", "is required for a provider of kind openai")
            }
            return .openai(baseURL, secret: secret?.secret)
        case .echo:
            if baseURL != nil { throw CatalogError.echoTakesNo("base_url") }
            if secret != nil { throw CatalogError.echoTakesNo("secret") }
            return .echo
        }
    }
}

/// A model as somebody asks for one.
package struct NewModel: Sendable {
    package var provider: Identifier
    package var name: ModelName
    /// What the provider calls it; `nil` for the same name.
    package var upstreamName: ModelName?
    package var systemMessages: SystemMessages
    package var price: Price

    package init(
        provider: Identifier, name: ModelName, upstreamName: ModelName?, systemMessages: SystemMessages = .keep,
        price: Price
    ) {
        self.provider = provider
        self.name = name
        self.upstreamName = upstreamName
        self.systemMessages = systemMessages
        self.price = price
    }
}

extension Management {
    package func listProviders(_ caller: Caller, _ page: Page) async throws(Refusal) -> Listing<Provider> {
        try await perform(.listProviders, caller) { domains, _ in try await domains.catalog.providers(page) }
    }

    package func createProvider(_ caller: Caller, _ draft: NewProvider) async throws(Refusal) -> Provider {
        try await perform(.createProvider, caller) { domains, _ in
            try await domains.catalog.createProvider(
                ProviderDraft(name: draft.name, upstream: try draft.upstream()), by: caller.author)
        }
    }

    package func getProvider(_ caller: Caller, _ id: Identifier) async throws(Refusal) -> Provider {
        try await perform(.getProvider, caller) { domains, _ in try await domains.catalog.provider(id) }
    }

    package func updateProvider(
        _ caller: Caller, _ id: Identifier, _ edit: ProviderEdit
    ) async throws(Refusal) -> Provider {
        try await perform(.updateProvider, caller) { domains, _ in
            try await domains.catalog.editProvider(id, edit, by: caller.author)
        }
    }

    package func deleteProvider(_ caller: Caller, _ id: Identifier) async throws(Refusal) {
        try await perform(.deleteProvider, caller) { domains, _ in
            try await domains.catalog.deleteProvider(id, by: caller.author)
        }
    }

    /// How many tests of providers an account may ask for in a minute. Each takes a connection, and ten seconds at most.
    static let testsPerMinute = 20

    /// Asks a provider for its models, with its stored secret. Nothing is changed by it, so there is no entry of it in the
    /// audit record.
    package func testProvider(_ caller: Caller, _ id: Identifier) async throws(Refusal) -> ProviderTest {
        try await perform(.testProvider, caller) { domains, actor in
            let upstream = try await domains.catalog.upstream(of: id)
            if let seconds = testRate.take(from: actor.account, at: domains.clock.now()) {
                throw Refusal.tooManyTests(retryAfter: seconds)
            }
            return try await domains.tester.test(upstream)
        }
    }

    // MARK: Models

    package func listModels(_ caller: Caller, _ page: Page) async throws(Refusal) -> Listing<ModelOffer> {
        try await perform(.listModels, caller) { domains, actor in
            let (multiplier, now) = try await domains.multiplier(of: actor)
            let listing = try await domains.catalog.models(page)
            return Listing(
                listing.items.map { $0.offer(at: now, multiplier, isForOperator: actor.user.isAdmin) },
                next: listing.next)
        }
    }

    /// Those of one provider alone. Where a model comes from is the operator's business, so this is for admins.
    package func listModels(
        _ caller: Caller, of provider: Identifier, _ page: Page
    ) async throws(Refusal) -> Listing<ModelOffer> {
        try await perform(.listModelsOfProvider, caller) { domains, actor in
            let (multiplier, now) = try await domains.multiplier(of: actor)
            let listing = try await domains.catalog.models(of: provider, page)
            return Listing(
                listing.items.map { $0.offer(at: now, multiplier, isForOperator: true) }, next: listing.next)
        }
    }

    package func getModel(_ caller: Caller, _ id: Identifier) async throws(Refusal) -> ModelOffer {
        try await perform(.getModel, caller) { domains, actor in
            let (multiplier, now) = try await domains.multiplier(of: actor)
            return try await domains.catalog.model(id).offer(at: now, multiplier, isForOperator: true)
        }
    }

    package func createModel(_ caller: Caller, _ draft: NewModel) async throws(Refusal) -> ModelOffer {
        try await perform(.createModel, caller) { domains, actor in
            let model = try await domains.catalog.createModel(
                provider: draft.provider, name: draft.name, upstreamName: draft.upstreamName,
                systemMessages: draft.systemMessages, price: draft.price, by: caller.author)
            let (multiplier, now) = try await domains.multiplier(of: actor)
            return model.offer(at: now, multiplier, isForOperator: true)
        }
    }

    package func deleteModel(_ caller: Caller, _ id: Identifier) async throws(Refusal) {
        try await perform(.deleteModel, caller) { domains, _ in
            try await domains.catalog.deleteModel(id, by: caller.author)
        }
    }

    package func listPrices(
        _ caller: Caller, of model: Identifier, _ page: Page
    ) async throws(Refusal) -> Listing<PriceVersion> {
        try await perform(.listPrices, caller) { domains, _ in try await domains.catalog.prices(of: model, page) }
    }

    package func createPrice(
        _ caller: Caller, _ price: Price, of model: Identifier, effectiveAt: Timestamp?
    ) async throws(Refusal) -> PriceVersion {
        try await perform(.createPrice, caller) { domains, _ in
            try await domains.catalog.addPrice(price, of: model, effectiveAt: effectiveAt, by: caller.author)
        }
    }

    package func deletePrice(
        _ caller: Caller, _ id: Identifier, of model: Identifier
    ) async throws(Refusal) {
        try await perform(.deletePrice, caller) { domains, _ in
            try await domains.catalog.withdrawPrice(id, of: model, by: caller.author)
        }
    }
}

extension Management.Domains {
    /// Of the group that an actor's account is in, and the time that it was asked for.
    fileprivate func multiplier(of actor: Actor) async throws -> (MultiplierVersion?, Timestamp) {
        let now = clock.now()
        let account = try await accounts.account(actor.account)
        return (try await catalog.group(account.defaultGroup).multiplier(at: now), now)
    }
}

extension Model {
    fileprivate func offer(
        at now: Timestamp, _ multiplier: MultiplierVersion?, isForOperator: Bool
    ) -> ModelOffer {
        let price = price(at: now)?.price
        let cost = multiplier.flatMap { version in price?.cost(version.multiplier) }
        return ModelOffer(model: self, price: price, cost: cost, isForOperator: isForOperator)
    }
}
