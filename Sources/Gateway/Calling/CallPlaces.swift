import Policy
package import Values

/// The places of calls under way. Each account, each key and each address has its share of them, so one tenant's calls that
/// all wait for a slow upstream leave places for the others.
///
/// A call takes its place when its body is there: whoever only begins to send holds none.
package final class CallPlaces: Sendable {
    private let shares: Shares

    package init(_ shares: Shares) { self.shares = shares }

    /// - Throws: ``Denial/overloaded`` when there is no place for it.
    func enter(account: Identifier, key: Identifier, from address: IPAddress?) throws(Denial) -> Place {
        let owners: [ShareOwner] = [.account(account), .key(key), .address(address)]
        guard shares.take(1, for: owners) else { throw .overloaded }
        return Place(shares, owners)
    }

    /// One call's place. It is given back when the last reference to it goes, on whichever way the call ends.
    final class Place: Sendable {
        private let shares: Shares
        private let owners: [ShareOwner]

        fileprivate init(_ shares: Shares, _ owners: [ShareOwner]) {
            self.shares = shares
            self.owners = owners
        }

        deinit { shares.giveBack(1, for: owners) }
    }
}
