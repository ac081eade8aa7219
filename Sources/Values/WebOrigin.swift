/// The web page that a call says it comes from.
package enum WebOrigin: Sendable, Equatable {
    /// No browser in sight.
    case none
    /// A browser, but no page that can be named: `null`, several of them, or what is no origin at all.
    case unknown
    case host(HostName)
    /// A page of the console, where a person types the key of each call; its host, where that can be named.
    case console(HostName?)

    /// Reads the value of one `Origin` field: `scheme "://" host [":" port]` (RFC 6454 §7.1).
    ///
    /// http and https only. Browsers write an origin and nothing around it, so a user, a path or even a slash at the
    /// end was written by somebody else, and names no page. An IPv6 literal is no host that a key can be bound to.
    package init(header: String) {
        self = Self.host(in: Text(header)).map(WebOrigin.host) ?? .unknown
    }

    private static func host(in header: Text) -> HostName? {
        // The host has 253 bytes at most; the scheme, the signs and the port have 14.
        guard header.utf8.count <= 267, let (scheme, rest) = header.split(atFirst: ":"),
            scheme.lowercased == "http" || scheme.lowercased == "https", rest.hasPrefix("//")
        else { return nil }
        let authority = Text(rest.string.utf8.dropFirst(2))
        guard let (host, port) = authority.split(atFirst: ":") else { return HostName(authority) }
        return isPort(port) ? HostName(host) : nil
    }

    /// 1…65535, without sign or leading zero.
    private static func isPort(_ text: Text) -> Bool {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
            text.utf8.first != UInt8(ascii: "0"), let number = Int(text.string)
        else { return false }
        return number <= 65_535
    }
}
