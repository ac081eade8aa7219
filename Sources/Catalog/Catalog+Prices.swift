package import Audit
package import Database
package import Values

/// Prices and pricing groups. Both are versioned: an admin adds what is to hold from a time on, and what a past charge
/// was made with stays readable for ever.
extension Catalog {
    // MARK: Prices of models

    /// - Parameter effectiveAt: `nil` for now.
    package func addPrice(
        _ price: Price, of model: Identifier, effectiveAt: Timestamp?, by author: Author
    ) async throws -> PriceVersion {
        let now = clock.now()
        if effectiveAt.isExpired(at: now) { throw CatalogError.effectiveInPast }
        let version = PriceVersion(
            id: newID(now), model: model, price: price, effectiveAt: effectiveAt ?? now, createdAt: now)
        try await database.write { connection in
            guard try ModelTable.find(model, connection) != nil else { throw CatalogError.notFound }
            try PriceTable.insert(version, connection)
            try author.record(
                .priceCreate, account: nil, object: model.description,
                detail: ["price": price.credits.decimal, "effective_at": version.effectiveAt.rfc3339], at: now,
                in: connection)
        }
        routes.invalidate { _, route in route.model == model }
        generations.changedForAll()
        return version
    }

    package func prices(of model: Identifier, _ page: Page) async throws -> Listing<PriceVersion> {
        try await database.read { connection in
            guard try ModelTable.find(model, connection) != nil else { throw CatalogError.notFound }
            return Listing(try PriceTable.page(of: model, page, connection), page, id: \.id)
        }
    }

    /// Takes back a price that has not begun.
    package func withdrawPrice(_ id: Identifier, of model: Identifier, by author: Author) async throws {
        let now = clock.now()
        try await database.write { connection in
            guard try ModelTable.find(model, connection) != nil,
                let version = try PriceTable.find(id, of: model, connection)
            else { throw CatalogError.notFound }
            guard try PriceTable.all(of: model, connection).isToCome(version, at: now) else {
                throw CatalogError.versionInEffect
            }
            try PriceTable.withdraw(id, now, connection)
            try author.record(
                .priceWithdraw, account: nil, object: model.description,
                detail: ["price": version.price.credits.decimal, "effective_at": version.effectiveAt.rfc3339],
                at: now, in: connection)
        }
        routes.invalidate { _, route in route.model == model }
        generations.changedForAll()
    }

    // MARK: Groups

    package func createGroup(_ name: GroupName, _ multiplier: Multiplier, by author: Author) async throws
        -> PricingGroup
    {
        let now = clock.now()
        let version = MultiplierVersion(
            id: newID(now), group: name.text, multiplier: multiplier, effectiveAt: now, createdAt: now)
        let group = PricingGroup(
            name: name.text, isRetired: false, multipliers: [version], createdAt: now, updatedAt: now)
        try await database.write { connection in
            try GroupTable.insert(group, connection)
            try MultiplierTable.insert(version, connection)
            try author.record(
                .groupCreate, account: nil, object: name.text, detail: ["multiplier": multiplier.decimal],
                at: now, in: connection)
        }
        return group
    }

    /// Groups in the order of their names.
    /// - Parameters:
    ///   - usable: only these; `nil` for all.
    ///   - after: the last name of the page before.
    package func groups(usable: Set<String>?, after: String, limit: Int) async throws -> [PricingGroup] {
        try await database.read { try GroupTable.page(usable: usable, after: after, limit: limit, $0) }
    }

    package func group(_ name: String) async throws -> PricingGroup {
        guard let group = try await heldGroups.value(name) else { throw CatalogError.notFound }
        return group
    }

    /// A retired group can't be chosen any more. What changes nothing writes nothing.
    package func retireGroup(_ name: String, _ isRetired: Bool, by author: Author) async throws -> PricingGroup {
        let now = clock.now()
        if isRetired, name == PricingGroup.standard { throw CatalogError.standardGroup }
        try await database.write { connection in
            guard let old = try GroupTable.find(name, connection) else { throw CatalogError.notFound }
            if old.isRetired == isRetired { return }
            try GroupTable.setRetired(name, isRetired, now, connection)
            try author.record(
                .groupEdit, account: nil, object: name, detail: ["retired": isRetired ? "true" : "false"], at: now,
                in: connection)
        }
        heldGroups.invalidate(name)
        generations.changedForAll()
        return try await group(name)
    }

    /// - Parameters:
    ///   - effectiveAt: `nil` for now.
    ///   - isAsSeen: looks at the group as it is when the multiplier is added; `false` keeps it as it is.
    package func addMultiplier(
        _ multiplier: Multiplier, of group: String, effectiveAt: Timestamp?, by author: Author,
        when isAsSeen: @escaping @Sendable (PricingGroup) -> Bool = { _ in true }
    ) async throws -> MultiplierVersion {
        let now = clock.now()
        if effectiveAt.isExpired(at: now) { throw CatalogError.effectiveInPast }
        let version = MultiplierVersion(
            id: newID(now), group: group, multiplier: multiplier, effectiveAt: effectiveAt ?? now, createdAt: now)
        try await database.write { connection in
            guard let old = try GroupTable.find(group, connection) else { throw CatalogError.notFound }
            guard isAsSeen(old) else { throw CatalogError.previewOutdated }
            try MultiplierTable.insert(version, connection)
            try author.record(
                .multiplierCreate, account: nil, object: group,
                detail: ["multiplier": multiplier.decimal, "effective_at": version.effectiveAt.rfc3339],
                at: now, in: connection)
        }
        heldGroups.invalidate(group)
        generations.changedForAll()
        return version
    }

    package func multipliers(of group: String, _ page: Page) async throws -> Listing<MultiplierVersion> {
        try await database.read { connection in
            guard try GroupTable.find(group, connection) != nil else { throw CatalogError.notFound }
            return Listing(try MultiplierTable.page(of: group, page, connection), page, id: \.id)
        }
    }

    /// Takes back a multiplier that has not begun.
    package func withdrawMultiplier(_ id: Identifier, of group: String, by author: Author) async throws {
        let now = clock.now()
        try await database.write { connection in
            guard let version = try MultiplierTable.find(id, of: group, connection) else { throw CatalogError.notFound }
            guard try MultiplierTable.all(of: group, connection).isToCome(version, at: now) else {
                throw CatalogError.versionInEffect
            }
            try MultiplierTable.withdraw(id, now, connection)
            try author.record(
                .multiplierWithdraw, account: nil, object: group,
                detail: ["multiplier": version.multiplier.decimal, "effective_at": version.effectiveAt.rfc3339],
                at: now, in: connection)
        }
        heldGroups.invalidate(group)
        generations.changedForAll()
    }

    // MARK: For the floors above

    /// What one call costs.
    /// - Parameter group: the name of a group that exists; groups are never deleted.
    package func quote(_ route: ModelRoute, group name: String, at time: Timestamp) async throws -> Quote {
        let multipliers = try await group(name).multipliers
        guard let price = route.prices.inEffect(at: time), let multiplier = multipliers.inEffect(at: time) else {
            throw DatabaseFailure.malformedRow(column: "effective_at")
        }
        return Quote(
            price: price, multiplier: multiplier,
            span: route.prices.span(around: time).clamped(to: multipliers.span(around: time)))
    }

    /// Whether a group exists and may be chosen, as seen by the transaction of `connection`.
    package static func isChoosable(_ group: String, in connection: Connection) throws -> Bool {
        try GroupTable.find(group, connection).map { !$0.isRetired } ?? false
    }

    /// A price version, for readers of old charges; a withdrawn one too.
    package static func price(_ id: Identifier, in connection: Connection) throws -> PriceVersion? {
        try PriceTable.find(id, connection)
    }

    /// A multiplier version with its group, for readers of old charges.
    package static func multiplier(_ id: Identifier, in connection: Connection) throws -> MultiplierVersion? {
        try MultiplierTable.find(id, connection)
    }

    /// The versions that a group has ever had, withdrawn ones too.
    package static func multiplierIDs(of group: String, in connection: Connection) throws -> Set<Identifier> {
        try MultiplierTable.everyID(of: group, connection)
    }
}
