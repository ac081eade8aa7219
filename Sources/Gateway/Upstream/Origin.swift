package import Catalog

/// Where connections go: scheme, host and port (RFC 6454 §4). They are kept and counted by it.
package struct Origin: Sendable, Hashable {
    /// Whether TLS is spoken there.
    package let isSecure: Bool
    /// A name in lower case, or an address without brackets.
    package let host: String
    package let port: Int

    package init(_ url: BaseURL) {
        // A base URL is ASCII and has been checked: a scheme, then an authority that ends at the first slash.
        isSecure = !url.text.lowercased().hasPrefix("http://")
        let authority = url.text.dropFirst(isSecure ? 8 : 7).prefix { $0 != "/" }
        let colon = authority.last == "]" ? nil : authority.lastIndex(of: ":")
        let name = authority[..<(colon ?? authority.endIndex)]
        host = String(name.first == "[" ? name.dropFirst().dropLast() : name).lowercased()
        port = colon.flatMap { Int(authority[authority.index(after: $0)...]) } ?? (isSecure ? 443 : 80)
    }

    /// What a request's `Host` says (RFC 9110 §7.2): the port only where it is not the scheme's own.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }
}

extension BaseURL {
    /// What stands after the authority: empty, or from a slash on, without one at the end. An operation's own path follows it.
    package var path: Substring {
        let authority = text.drop { $0 != ":" }.dropFirst(3)
        return authority.drop { $0 != "/" }
    }
}
