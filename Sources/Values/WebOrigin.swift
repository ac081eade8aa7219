/// The web page that a call says it comes from.
package enum WebOrigin: Sendable, Equatable {
    /// No browser in sight.
    case none
    /// A browser, but no page that can be named: `null`, several of them, or what is no origin at all.
    case unknown
    case host(HostName)

    /// Reads the value of one `Origin` field: `scheme "://" host [":" port]` (RFC 6454 §7.1).
    ///
    /// http and https only. Browsers write an origin and nothing around it, so a user, a path or even a slash at the
    /// end was written by somebody else, and names no page. An IPv6 literal is no host that a key can be bound to.
    package init(header: String) {
        self = Self.host(in: header).map(WebOrigin.host) ?? .unknown
    }

    private static func host(in header: String) -> HostName? {
        guard let colon = header.utf8.firstIndex(of: UInt8(ascii: ":")),
            ["http", "https"].contains(header[..<colon].lowercased()), header[colon...].hasPrefix("://")
        else { return nil }
        let authority = header[colon...].dropFirst(3)
        guard let end = authority.utf8.firstIndex(of: UInt8(ascii: ":")) else { return HostName(String(authority)) }
        let port = authority[end...].dropFirst()
        guard isPort(port) else { return nil }
        return HostName(String(authority[..<end]))
    }

    /// 1…65535, without sign or leading zero.
    private static func isPort(_ text: Substring) -> Bool {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
            text.first != "0", let number = Int(text)
        else { return false }
        return number <= 65_535
    }
}
