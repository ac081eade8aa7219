package import Accounts
package import Applications
package import Catalog
package import Credentials
package import Metering
package import Policy
package import Values

package import struct Applications.Application

/// May this key make this call? This is the one place that collects the facts and asks `Policy`.
///
/// The gateway asks it for a call that it serves, `verify` for a call that another server is about to serve, and
/// `explain` for a call that nobody makes. So all three give the same answer. This room owns no table and no rule:
/// facts are the floors' below, rules are `Policy`'s. It must not know HTTP.
package struct Admission: Sendable {
    let accounts: Accounts
    let catalog: Catalog
    let applications: Applications
    let credentials: Credentials
    let metering: Metering
    let generations: Generations

    /// - Parameter generations: the one that the domains tell their changes to.
    package init(
        accounts: Accounts, catalog: Catalog, applications: Applications, credentials: Credentials, metering: Metering,
        generations: Generations
    ) {
        self.accounts = accounts
        self.catalog = catalog
        self.applications = applications
        self.credentials = credentials
        self.metering = metering
        self.generations = generations
    }

    /// A genuine, live key with the account and the app that it belongs to. Nothing is decided yet.
    package struct Opened: Sendable {
        package let key: KeyRecord
        package let account: Account
        package let application: Application
        /// The models that the key may name, in the app's order.
        package var usableModels: [String] {
            application.chat.allowedModels.filter { Policy.allows($0, key: key.facts, app: application.rules) }
        }

        /// From before these facts were read.
        package let stamp: Generations.Stamp
        fileprivate let time: Timestamp

        /// The pricing group of its calls.
        package var group: String { account.group(chosen: key.group) }
    }

    /// - Throws: ``Denial/invalidKey`` for what is no live key.
    package func open(_ bearer: String, at now: Timestamp) async throws -> Opened {
        let account = try await credentials.verify(bearer, at: now).account
        // Only the key tells whose it is, and that never changes. What is decided by is read after the stamp.
        let stamp = generations.stamp(of: account)
        let key = try await credentials.verify(bearer, at: now)
        // The app goes together with its keys; a key that outlives it by the length of a commit opens nothing.
        guard let application = try await applications.opened(key.facts.application),
            let account = try await accounts.opened(key.account)
        else { throw Denial.invalidKey }
        return Opened(key: key, account: account, application: application, stamp: stamp, time: now)
    }

    /// Whether nothing has changed since a key was opened, so that what was decided then would be decided again.
    package func isCurrent(_ opened: Opened, at now: Timestamp) -> Bool {
        // Expiries come without a change.
        generations.isCurrent(opened.stamp) && opened.time <= now && now < opened.time.adding(.seconds(1))
            && !opened.key.facts.terms.expiresAt.isExpired(at: now) && !opened.key.isOver(at: now)
    }

    /// A call that policy has let through: where it goes and what it costs.
    package struct Admitted: Sendable {
        /// The public name.
        package let model: String
        package let route: ModelRoute
        package let quote: Quote
    }

    /// Every check that needs no body. What a suspended account may do nevertheless is asked with `evenSuspended`.
    package func admit(_ opened: Opened, _ call: CallFacts, evenSuspended: Bool = false) throws(Denial) {
        var account = opened.account.facts
        if evenSuspended { account.isSuspended = false }
        if let denial = Policy.admit(call, key: opened.key.facts, account: account) { throw denial }
    }

    /// Decides the rest for a call that was let through so far: all but the credits, which are decided where they are
    /// held.
    /// - Parameter model: as the caller names it; `nil` for the app's own.
    package func decide(_ opened: Opened, _ call: CallFacts, model: String?) async throws -> Admitted {
        var call = call
        call.model = try await requested(model)
        let model = try Policy.model(of: call, key: opened.key.facts, app: opened.application.rules).get()
        guard let route = try await catalog.route(model) else { throw Denial.modelNotFound }
        return Admitted(
            model: model, route: route, quote: try await catalog.quote(route, group: opened.group, at: call.time))
    }

    func requested(_ model: String?) async throws -> RequestedModel {
        guard let model else { return .none }
        return try await catalog.route(model) == nil ? .unknown : .known(model)
    }
}
