/// One entry of a list of addresses: an address, or a block in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3).
///
/// An entry is normalised, so that what is kept and shown is what is matched: the bits behind the prefix are cleared, a
/// single address has no prefix, and an IPv4-mapped block is the IPv4 block in it. A block that reaches beyond the
/// mapped addresses (`::/0`, `::ffff:0:0/95`) is one of IPv6 and contains no IPv4 address, for no block matches across
/// families: whoever allows all of IPv6 has said nothing about IPv4.
package struct AddressBlock: FieldText, Hashable {
    package static let rule =
        "must be an IP address or a CIDR block, such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32"
    private let network: IPAddress
    /// Counted in the 128 bits of ``IPAddress``, in which IPv4 has the last 32.
    private let prefix: UInt8

    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(utf8: parts[0].utf8Span.span) else { return nil }
        // Which length a prefix is measured against depends on how the address was written, not on what it is.
        let before = parts[0].utf8.contains(UInt8(ascii: ":")) ? 0 : 96
        var prefix = 128
        if parts.count > 1 {
            guard let length = Self.length(parts[1]), before + length <= 128 else { return nil }
            prefix = before + length
        }
        network = address.masked(prefix)
        self.prefix = UInt8(prefix)
    }

    /// `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`.
    package var text: String {
        prefix == 128 ? network.description : "\(network)/\(network.isIPv4 ? prefix - 96 : prefix)"
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.masked(Int(prefix)) == network && address.isIPv4 == network.isIPv4
    }

    /// One to three digits, without sign or leading zero.
    private static func length(_ digits: Substring) -> Int? {
        guard (1...3).contains(digits.utf8.count),
            digits.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
            digits == "0" || digits.first != "0"
        else { return nil }
        return Int(digits)
    }
}
