package import HTTPTypes
import Values

/// Whether a request came all the way over plain HTTP, as far as a server can see that speaks nothing else.
///
/// It matters where a cookie is set: ours is `Secure`, and browsers drop such a cookie without a word when it comes over
/// plain HTTP from another machine (RFC 6265bis §5.7). What this finds is good for advice and for nothing else: all of it
/// but the peer is said by the caller.
package enum PlainHTTP {
    /// - Parameters:
    ///   - authority: the host that was asked for.
    ///   - peer: the address of the connected peer.
    package static func losesCookies(_ headers: HTTPFields, authority: String?, peer: String) -> Bool {
        // Browsers name the page, with its scheme, on each call that changes something.
        if let origin = headers[.origin].map({ Text($0) }) {
            guard origin.hasPrefix("http://") else { return false }
            return !isLoopback(origin.utf8.dropFirst("http://".utf8.count))
        }
        if let scheme = headers[.forwardedProto] { return Text(scheme).lowercased == "http" }
        // A proxy that says nothing of itself, on this machine; or who is at this machine.
        if IPAddress(peer).map(isLoopback) ?? true { return false }
        return !isLoopback((authority ?? "").utf8[...])
    }

    /// The names that browsers hold to be as good as https (Secure Contexts §3.1). Of an address, with or without port.
    private static func isLoopback(_ authority: Substring.UTF8View) -> Bool {
        var host = authority
        if let end = host.firstIndex(of: UInt8(ascii: "]")), host.first == UInt8(ascii: "[") {
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: UInt8(ascii: ":")) {
            host = host[..<colon]
        }
        let name = Text(host).lowercased
        return name == "localhost" || name.utf8.suffix(10).elementsEqual(".localhost".utf8)
            || IPAddress(name.string).map(isLoopback) ?? false
    }

    private static func isLoopback(_ address: IPAddress) -> Bool {
        ["127.0.0.0/8", "::1/128"].contains { AddressBlock($0)?.contains(address) == true }
    }
}

extension HTTPField.Name {
    fileprivate static let forwardedProto = HTTPField.Name("X-Forwarded-Proto")!
}
