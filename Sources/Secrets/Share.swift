package import Values

/// Whose work it is to compute a hash. Each share has its own place in the queue of an ``Argon2Pool``.
package enum Share: Sendable, Hashable {
    /// Somebody of an account, known by a session, a token or a key.
    case account(Identifier)
    /// A stranger, known by the network that they call from; `nil` for all whose address can't be known.
    case network(IPAddress?)
    /// Who sets the deployment up, before there is an account.
    case deployment

    /// An IPv6 customer has a /64 to choose addresses from, so those are one share.
    package static func address(_ address: IPAddress?) -> Share { .network(address?.network) }
}
