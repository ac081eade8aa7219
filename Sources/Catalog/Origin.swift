/// Where connections go: scheme, host and port (RFC 6454 §4). They are kept and counted by it.
package struct Origin: Sendable, Hashable {
    /// Whether TLS is spoken there.
    package let isSecure: Bool
    /// A name in lower case, or an address without brackets.
    package let host: String
    package let port: Int

    /// - Parameter authority: of a base URL that has been checked.
    init(isSecure: Bool, authority: Substring) {
        self.isSecure = isSecure
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
