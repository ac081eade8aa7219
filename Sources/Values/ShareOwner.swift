/// Who holds a part of something in ``Shares``.
package enum ShareOwner: Hashable, Sendable {
    /// A caller's network; `nil` for all whose address can't be known.
    case network(IPAddress?)
    case account(Identifier)
    case key(Identifier)

    /// An IPv6 customer has a /64 to choose addresses from, so those are one.
    package static func address(_ address: IPAddress?) -> ShareOwner { .network(address?.network) }
}
