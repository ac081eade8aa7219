/// The host that a key is bound to: a name as RFC 1123 §2.1 has them, in ASCII and lower case.
///
/// It is compared with what browsers put into `Origin`, which is ASCII as well: a name in another script stands there
/// as its `xn--` form. No scheme, port, path or wildcard, and no dot at the end, which makes another origin. A name of
/// digits and dots is taken for what it looks like and never resolved.
package struct HostName: FieldText, Hashable {
    package static let rule =
        "must be a host name such as app.example.com: at most 253 characters from a-z, 0-9, - and . between its parts, "
        + "without scheme, port, path or wildcard"
    package let text: String

    package init?(_ text: String) {
        guard (1...253).contains(text.utf8.count),
            text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(Self.isLabel)
        else { return nil }
        self.text = text.lowercased()
    }

    /// 1 to 63 letters, digits and hyphens, no hyphen at the ends.
    private static func isLabel(_ bytes: Substring.UTF8View) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return (1...63).contains(bytes.count) && bytes.first != hyphen && bytes.last != hyphen
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), hyphen:
                    true
                default: false
                }
            }
    }
}
