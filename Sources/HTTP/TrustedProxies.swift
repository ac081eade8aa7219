package import Values

/// Which proxies are believed about the address of a client.
///
/// Anybody can send `X-Forwarded-For`; each proxy adds the address that it was called from at the right. So the list is
/// believed from the right, and only as far as those who wrote it are the operator's own. Proxies must add to that
/// field, or replace it: `Forwarded` (RFC 7239), `X-Real-IP` and the like are never read, since one that a proxy
/// doesn't know would pass through it as the caller wrote it.
package struct TrustedProxies: Sendable {
    package static let none = TrustedProxies([])
    private let blocks: [AddressBlock]

    package init(_ blocks: [AddressBlock]) { self.blocks = blocks }

    package func isTrusted(_ address: IPAddress) -> Bool { blocks.contains { $0.contains(address) } }

    /// The client's address: the first from the right that is no trusted proxy's, or the leftmost when all of them are.
    ///
    /// `nil` when it can't be known: the peer has no address (a unix socket), or what a proxy passed on in its place is
    /// no address. An address may carry a port, as Azure's gateways write it (`203.0.113.7:4711`, `[2001:db8::7]:4711`),
    /// and one of IPv6 its brackets. `unknown` and an empty element are garbage: to skip one would be to believe whoever
    /// wrote the one before it.
    /// - Parameter lines: the values of all `X-Forwarded-For` fields, in order.
    package func client(peer: IPAddress?, _ lines: some BidirectionalCollection<some Collection<UInt8>>) -> IPAddress? {
        guard let peer else { return nil }
        guard isTrusted(peer) else { return peer }
        var client = peer
        // Several lines are one list (RFC 9110 §5.3).
        for line in lines.reversed() {
            let bytes = Array(line)
            let list = bytes.span
            var end = list.count
            repeat {
                var start = end
                while start > 0, list[start - 1] != UInt8(ascii: ",") { start -= 1 }
                guard let hop = Self.address(in: list, from: start, to: end) else { return nil }
                guard isTrusted(hop) else { return hop }
                client = hop
                end = start - 1
            } while end >= 0
        }
        return client
    }

    /// One element of the list, without the blanks around it (RFC 9110 §5.6.1) and without its port.
    private static func address(in list: Span<UInt8>, from start: Int, to end: Int) -> IPAddress? {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var (start, end) = (start, end)
        while start < end, isBlank(list[start]) { start += 1 }
        while start < end, isBlank(list[end - 1]) { end -= 1 }
        let element = list.extracting(start..<end)
        return IPAddress(utf8: element) ?? Self.addressWithPort(element)
    }

    private static func addressWithPort(_ element: Span<UInt8>) -> IPAddress? {
        if let address = bracketed(element) { return address }
        var colon = element.count
        repeat { colon -= 1 } while colon >= 0 && element[colon] != UInt8(ascii: ":")
        guard colon > 0, isPort(element.extracting((colon + 1)...)) else { return nil }
        let host = element.extracting(..<colon)
        return bracketed(host) ?? (host.contains(UInt8(ascii: ":")) ? nil : IPAddress(utf8: host))
    }

    /// `[2001:db8::7]`.
    private static func bracketed(_ host: Span<UInt8>) -> IPAddress? {
        guard host.count > 2, host[0] == UInt8(ascii: "["), host[host.count - 1] == UInt8(ascii: "]") else {
            return nil
        }
        let inner = host.extracting(1..<host.count - 1)
        return inner.contains(UInt8(ascii: ":")) ? IPAddress(utf8: inner) : nil
    }

    /// One to five digits, at most 65,535.
    private static func isPort(_ digits: Span<UInt8>) -> Bool {
        guard (1...5).contains(digits.count) else { return false }
        var port = 0
        for index in digits.indices {
            let digit = Int(digits[index]) - 0x30
            guard (0...9).contains(digit) else { return false }
            port = port * 10 + digit
        }
        return port <= 65_535
    }
}

extension Span<UInt8> {
    fileprivate func contains(_ byte: UInt8) -> Bool {
        for index in indices where self[index] == byte { return true }
        return false
    }
}
