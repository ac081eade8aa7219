package import Values

/// Whose work it is to compute a hash. Each share has its own place in the queue of an ``Argon2Pool``.
package enum Share: Sendable, Hashable {
    /// Somebody of an account, known by a session, a token or a key.
    case account(Identifier)
    /// A stranger, known by the site that they call from; `nil` for all whose address can't be known.
    case site(IPAddress?)
    /// Who sets the deployment up, before there is an account.
    case deployment

    /// The share of a stranger. An IPv6 site may have 65,536 networks of a /64 to call from, so it is one share.
    package static func address(_ address: IPAddress?) -> Share { .site(address?.site) }

    /// Whether nothing but an address stands behind it, of which anybody may have many.
    var isStranger: Bool {
        if case .site = self { true } else { false }
    }
}
