package import HTTPTypes
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

    /// The client's address: the first from the right that is no trusted proxy's, or the leftmost when all of them are.
    ///
    /// `nil` when it can't be known: the peer has no address (a unix socket), or what a proxy passed on in its place is
    /// no bare address. A port, brackets, `unknown` and an empty element are all garbage: to skip one would be to
    /// believe whoever wrote the one before it.
    package func client(peer: String, _ headers: HTTPFields) -> IPAddress? {
        guard let peer = IPAddress(peer) else { return nil }
        guard isTrusted(peer) else { return peer }
        var client = peer
        // Several lines are one list (RFC 9110 §5.3).
        for field in headers.reversed() where field.name == .forwardedFor {
            let value = field.value
            let list = value.utf8Span.span
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

    private func isTrusted(_ address: IPAddress) -> Bool { blocks.contains { $0.contains(address) } }

    /// One element of the list, without the blanks around it (RFC 9110 §5.6.1).
    private static func address(in list: Span<UInt8>, from start: Int, to end: Int) -> IPAddress? {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var (start, end) = (start, end)
        while start < end, isBlank(list[start]) { start += 1 }
        while start < end, isBlank(list[end - 1]) { end -= 1 }
        return IPAddress(utf8: list.extracting(start..<end))
    }
}

extension HTTPField.Name {
    fileprivate static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
}
