import Synchronization

/// Whether what was decided a moment ago would be decided again.
///
/// A call is decided by facts that are read once: its key, account, app, model and price. A change of any of them has to
/// bind every call that is held after the change was answered. So each change counts here, after its commit and before
/// its answer; each decision remembers the count from before its facts were read; and a hold is made inside
/// ``whileCurrent(_:_:)``, under the same lock. Then each hold is either before the change or under the new terms.
///
/// Accounts share a table of counters of a fixed size: two of one slot make each other read their facts again, which
/// costs microseconds and tells nothing.
package final class Generations: Sendable {
    /// The counts that a decision was made under.
    package struct Stamp: Sendable, Equatable {
        fileprivate let common: UInt64
        fileprivate let own: UInt64
        fileprivate let slot: Int
    }

    private struct State {
        var common: UInt64 = 0
        var own = [UInt64](repeating: 0, count: Generations.slots)
    }

    private static let slots = 4096
    private let state = Mutex(State())

    package init() {}

    /// To be taken before the facts are read.
    package func stamp(of account: Identifier) -> Stamp {
        let slot = Self.slot(account)
        return state.withLock { Stamp(common: $0.common, own: $0.own[slot], slot: slot) }
    }

    /// Something of this account has changed: a key, an app, its standing, a limit.
    package func changed(_ account: Identifier) {
        let slot = Self.slot(account)
        state.withLock { $0.own[slot] += 1 }
    }

    /// Something has changed that concerns calls of any account: a model, a provider, a price, a group.
    package func changedForAll() { state.withLock { $0.common += 1 } }

    package func isCurrent(_ stamp: Stamp) -> Bool { whileCurrent(stamp) {} != nil }

    /// Runs `body` if nothing has changed since the stamp was taken, and lets nothing change until it is done.
    /// - Parameter body: must be short and must not come back here.
    /// - Returns: `nil` when something has changed: the facts have to be read again.
    package func whileCurrent<Result: Sendable>(_ stamp: Stamp, _ body: () -> Result) -> Result? {
        state.withLock { state in
            guard state.common == stamp.common, state.own[stamp.slot] == stamp.own else { return nil }
            return body()
        }
    }

    private static func slot(_ account: Identifier) -> Int { Int(UInt(bitPattern: account.hashValue) % UInt(slots)) }
}
