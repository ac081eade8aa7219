import Accounts
import Applications
package import Catalog
import Credentials
import Policy
import Secrets
import Synchronization
package import Values

import struct Applications.Application

/// All that the calls of one key are decided by, as it was at one time.
package final class KeySnapshot: Sendable {
    let credential: Identifier
    let facts: KeyFacts
    let account: Account
    let application: Application
    /// Those that the key may use, in the app's order.
    let models: [PricedModel]
    /// The secret that was presented; `nil` where none was.
    let secret: KeyRecord?
    /// From before all this was read.
    let stamp: Generations.Stamp
    /// When it holds, as long as nothing changes.
    private let span: Range<Timestamp>

    init(
        credential: Identifier, facts: KeyFacts, account: Account, application: Application, models: [PricedModel],
        secret: KeyRecord?, stamp: Generations.Stamp
    ) {
        self.credential = credential
        self.facts = facts
        self.account = account
        self.application = application
        self.models = models
        self.secret = secret
        self.stamp = stamp
        span = models.reduce(.earliest ..< .latest) { $0.clamped(to: $1.quote.span) }
    }

    /// Whether all prices in it are those of a time, and its secret works then. An expiry of the key is policy's to see.
    func holds(at now: Timestamp) -> Bool { span.contains(now) && secret?.isOver(at: now) != true }

    /// - Parameter name: `nil` for the app's own.
    func model(named name: Text?) -> PricedModel? {
        let name = name ?? Text(application.chat.model)
        return models.first { $0.name == name }
    }
}

/// A model, and what a call of it costs in one pricing group. Shared by all keys of the group.
package final class PricedModel: Sendable {
    /// The public name.
    package let name: Text
    package let route: ModelRoute
    package let quote: Quote
    let stamp: Generations.Stamp

    init(route: ModelRoute, quote: Quote, stamp: Generations.Stamp) {
        name = Text(route.name)
        self.route = route
        self.quote = quote
        self.stamp = stamp
    }
}

/// The snapshots that are held in memory, and the prices that they share.
final class SnapshotTable: Sendable {
    private struct Place: Hashable {
        let model: String
        let group: String
    }

    private let snapshots: Mutex<BoundedTable<TokenID, KeySnapshot>>
    private let prices = Mutex(BoundedTable<Place, PricedModel>(capacity: 10_000))

    init(capacity: Int) { snapshots = Mutex(BoundedTable(capacity: capacity)) }

    subscript(secret: TokenID) -> KeySnapshot? { snapshots.withLock { $0[secret] } }

    func insert(_ snapshot: KeySnapshot, for secret: TokenID) {
        snapshots.withLock { $0.insert(snapshot, for: secret) }
    }

    func price(of model: String, in group: String) -> PricedModel? {
        prices.withLock { $0[Place(model: model, group: group)] }
    }

    func insert(_ price: PricedModel, for model: String, in group: String) {
        prices.withLock { $0.insert(price, for: Place(model: model, group: group)) }
    }
}
