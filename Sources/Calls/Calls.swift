package import Accounts
package import Applications
package import Catalog
package import Credentials
package import Metering
import Policy
package import Values

/// The life of a call, and whether it may live at all. This is the one place that collects the facts and asks `Policy`.
///
/// A call becomes an ``OpenedKey``, an ``AdmittedCall``, a ``DecidedCall`` and a hold of `Metering`. Each can be made from
/// the one before it only, so no step can be left out. ``CallLife`` says how it ends: charged, released or refused, and
/// once. The gateway makes a call that it serves this way, `verify` one that another server is about to serve, and
/// `explain` one that nobody makes. So all three give the same answer.
///
/// What the calls of a key are decided by is gathered once, as a ``KeySnapshot``. It is used until something in it
/// changes (``Generations``) or its time is over. With a snapshot, everything up to the hold is an answer from memory,
/// which may be asked on an event loop.
///
/// This room owns no table and no rule: facts are the floors' below, rules are `Policy`'s. It must not know HTTP.
package final class Calls: Sendable {
    let accounts: Accounts
    let catalog: Catalog
    let applications: Applications
    let credentials: Credentials
    let metering: Metering
    let generations: Generations
    private let snapshots: SnapshotTable

    /// - Parameters:
    ///   - generations: the one that the domains tell their changes to.
    ///   - memory: of how many secrets a snapshot is held.
    package init(
        accounts: Accounts, catalog: Catalog, applications: Applications, credentials: Credentials, metering: Metering,
        generations: Generations, memory: Int = 100_000
    ) {
        self.accounts = accounts
        self.catalog = catalog
        self.applications = applications
        self.credentials = credentials
        self.metering = metering
        self.generations = generations
        snapshots = SnapshotTable(capacity: memory)
    }

    /// The key that a bearer token is, from memory; `nil` when it takes ``open(_:at:)`` to tell.
    package func known(_ bearer: String, at now: Timestamp) -> OpenedKey? {
        guard let id = credentials.recall(bearer), let snapshot = snapshots[id], snapshot.holds(at: now),
            generations.isCurrent(snapshot.stamp)
        else { return nil }
        return OpenedKey(snapshot, at: now)
    }

    /// The key that a bearer token is.
    /// - Throws: ``Denial/invalidKey`` for what is no live key; failures of the Argon2id pool and of the database as they
    ///   are.
    package func open(_ bearer: String, at now: Timestamp) async throws -> OpenedKey {
        if let known = known(bearer, at: now) { return known }
        let account = try await credentials.verify(bearer, at: now).account
        // Only the key tells whose it is, and that never changes. What is decided by is read after the stamp.
        let stamp = generations.stamp(of: account)
        let secret = try await credentials.verify(bearer, at: now)
        let snapshot = try await gather(secret.credential, secret.facts, secret, of: account, stamp, at: now)
        snapshots.insert(snapshot, for: secret.secretID)
        return OpenedKey(snapshot, at: now)
    }

    /// Whether what was decided with an opened key would be decided again.
    package func isCurrent(_ opened: OpenedKey, at now: Timestamp) -> Bool {
        // An expiry comes without a change, and a month turns.
        generations.isCurrent(opened.stamp) && opened.snapshot.holds(at: now)
            && opened.time <= now && now < opened.time.adding(.seconds(1))
            && !opened.snapshot.facts.terms.expiresAt.isExpired(at: now)
    }

    /// Which model a call goes to, and at which price: all but the credits, which are decided where they are held.
    /// - Parameter model: as the caller names it; `nil` for the app's own.
    package func decide(_ call: AdmittedCall, model: Text?) async throws -> DecidedCall {
        if let decided = call.decide(model: model) { return decided }
        var facts = call.facts
        facts.model = try await requested(model)
        // What can't be told without the catalog is only which of two denials it is.
        guard case .failure(let denial) = Policy.model(of: facts, key: call.key.facts, app: call.key.application.rules)
        else { throw Denial.modelNotFound }
        throw denial
    }

    /// Notes that a call of this secret was let through.
    package func noteUse(of key: OpenedKey) {
        if let secret = key.snapshot.secret { credentials.noteUse(of: secret, at: key.time) }
    }

    func requested(_ model: Text?) async throws -> RequestedModel {
        guard let model else { return .none }
        return try await catalog.route(model.string) == nil ? .unknown : .known(model.string)
    }

    // MARK: Facts

    /// - Parameter stamp: from before anything of this was read.
    func gather(
        _ credential: Identifier, _ facts: KeyFacts, _ secret: KeyRecord?, of account: Identifier,
        _ stamp: Generations.Stamp, at now: Timestamp
    ) async throws -> KeySnapshot {
        // The app goes together with its keys; a key that outlives it by the length of a commit opens nothing.
        guard let application = try await applications.opened(facts.application),
            let account = try await accounts.opened(account)
        else { throw Denial.invalidKey }
        let group = account.group(chosen: facts.terms.group)
        var models: [PricedModel] = []
        for name in application.chat.allowedModels where Policy.allows(name, key: facts, app: application.rules) {
            if let model = try await price(name, group, stamp, at: now) { models.append(model) }
        }
        return KeySnapshot(
            credential: credential, facts: facts, account: account, application: application, models: models,
            secret: secret, stamp: stamp)
    }

    /// What a call of a model costs in a group; `nil` when the operator offers no such model.
    func price(
        _ name: String, _ group: String, _ stamp: Generations.Stamp, at time: Timestamp
    ) async throws -> PricedModel? {
        if let model = snapshots.price(of: name, in: group), model.quote.span.contains(time),
            generations.isCurrent(model.stamp)
        {
            return model
        }
        guard let route = try await catalog.route(name) else { return nil }
        let quote = try await catalog.quote(route, group: group, at: time)
        let model = PricedModel(route: route, quote: quote, stamp: stamp)
        snapshots.insert(model, for: name, in: group)
        return model
    }
}
