import Testing

@testable import Values

@Suite("Blocks of addresses")
struct AddressBlockTests {
    private func contains(_ block: String, _ address: String) throws -> Bool {
        try #require(AddressBlock(block)).contains(#require(IPAddress(address)))
    }

    @Test(
        "what is kept is what is matched",
        arguments: [
            ("203.0.113.7", "203.0.113.7"), ("203.0.113.7/32", "203.0.113.7"), ("203.0.113.7/24", "203.0.113.0/24"),
            ("203.0.113.7/31", "203.0.113.6/31"), ("203.0.113.7/1", "128.0.0.0/1"), ("203.0.113.7/0", "0.0.0.0/0"),
            ("2001:db8::1", "2001:db8::1"), ("2001:DB8::1/128", "2001:db8::1"), ("2001:db8::1/127", "2001:db8::/127"),
            ("2001:db8:1:2:3:4:5:6/65", "2001:db8:1:2::/65"), ("2001:db8:1:2:8000::/65", "2001:db8:1:2:8000::/65"),
            ("2001:db8:1:2:3:4:5:6/64", "2001:db8:1:2::/64"), ("2001:db8:1:3::/63", "2001:db8:1:2::/63"),
            ("2001:db8:1::/32", "2001:db8::/32"), ("ffff::/1", "8000::/1"), ("::1/0", "::/0"),
            // IPv4-mapped blocks are IPv4 as long as they hold nothing else.
            ("::ffff:203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7/128", "203.0.113.7"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"), ("::ffff:cb00:7107/120", "203.0.113.0/24"),
            ("::ffff:203.0.113.0/97", "128.0.0.0/1"), ("::ffff:203.0.113.0/96", "0.0.0.0/0"),
            ("::ffff:203.0.113.0/95", "::fffe:0:0/95"), ("::ffff:203.0.113.0/80", "::/80"),
            ("::ffff:203.0.113.0/24", "::/24"),
        ])
    func normalised(text: String, normalised: String) throws {
        let block = try #require(AddressBlock(text))
        #expect(block.text == normalised)
        #expect(AddressBlock(normalised) == block)
    }

    @Test(
        "what is no block",
        arguments: [
            "", "/", "/24", "203.0.113.0/", "203.0.113.0/33", "203.0.113.0/128", "203.0.113.0/024", "203.0.113.0/00",
            "203.0.113.0/+8", "203.0.113.0/-1", "203.0.113.0/ 8", "203.0.113.0 /8", "203.0.113.0/8 ", " 203.0.113.0/8",
            "203.0.113.0/8/8", "203.0.113.0//8", "203.0.113.0/8.0", "203.0.113.0/a", "203.0.113.0/٨",
            "203.0.113.0/255.255.255.0", "203.0.113.0/99999999999999999999", "203.0.113/24", "203.0.113.*",
            "203.0.113.1-203.0.113.9", "203.0.113.1,203.0.113.2", "::/129", "::/0128", "::/1000", "2001:db8/32",
            "[::1]/128", "fe80::%eth0/64", "*", "all", "example.com",
        ])
    func malformed(text: String) { #expect(AddressBlock(text) == nil) }

    @Test(
        "the first and the last address of a block are in it, their neighbours are not",
        arguments: [
            ("203.0.113.0/24", "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
            ("203.0.113.6/31", "203.0.113.5", "203.0.113.6", "203.0.113.7", "203.0.113.8"),
            ("203.0.113.7", "203.0.113.6", "203.0.113.7", "203.0.113.7", "203.0.113.8"),
            ("128.0.0.0/1", "127.255.255.255", "128.0.0.0", "255.255.255.255", "0.0.0.0"),
            (
                "2001:db8::/32", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"
            ),
            (
                "2001:db8:0:2::/63", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::",
                "2001:db8:0:3:ffff:ffff:ffff:ffff", "2001:db8:0:4::"
            ),
            (
                "2001:db8:0:2::/64", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::",
                "2001:db8:0:2:ffff:ffff:ffff:ffff", "2001:db8:0:3::"
            ),
            (
                "2001:db8::8000:0:0:0/65", "2001:db8::7fff:ffff:ffff:ffff", "2001:db8::8000:0:0:0",
                "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::"
            ),
            ("2001:db8::/127", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8::1", "2001:db8::2"),
            ("2001:db8::1", "2001:db8::", "2001:db8::1", "2001:db8::1", "2001:db8::2"),
        ])
    func edges(block: String, before: String, first: String, last: String, after: String) throws {
        #expect(try !contains(block, before))
        #expect(try contains(block, first))
        #expect(try contains(block, last))
        #expect(try !contains(block, after))
    }

    @Test("a bit before the prefix matters, one behind it does not", arguments: [0, 1, 31, 32, 63, 64, 65, 127, 128])
    func bits(prefix: Int) throws {
        let address = "2001:db8:a5a5:5a5a:1234:5678:9abc:def0"
        let groups = try address.split(separator: ":").map { try #require(UInt16($0, radix: 16)) }
        for bit in 0..<128 {
            var other = groups
            other[bit / 16] ^= 0x8000 >> UInt16(bit % 16)
            let text = other.map { String($0, radix: 16) }.joined(separator: ":")
            #expect(try contains("\(address)/\(prefix)", text) == (bit >= prefix))
        }
    }

    @Test("and so in IPv4", arguments: [0, 1, 8, 24, 31, 32]) func bitsOfIPv4(prefix: Int) throws {
        for bit in 0..<32 {
            var parts: [UInt8] = [203, 0, 113, 7]
            parts[bit / 8] ^= 0x80 >> UInt8(bit % 8)
            let text = parts.map(String.init).joined(separator: ".")
            #expect(try contains("203.0.113.7/\(prefix)", text) == (bit >= prefix))
            #expect(try contains("::ffff:203.0.113.7/\(96 + prefix)", "::ffff:" + text) == (bit >= prefix))
        }
    }

    @Test(
        "no block matches across families",
        arguments: [
            ("::/0", "203.0.113.7"), ("::/0", "::ffff:203.0.113.7"), ("::ffff:0:0/95", "203.0.113.7"),
            ("::/80", "203.0.113.7"), ("0.0.0.0/0", "::1"), ("0.0.0.0/0", "::cb00:7107"), ("0.0.0.0/0", "2001:db8::1"),
            ("0.0.0.0/0", "::fffe:203.0.113.7"), ("203.0.113.7", "::203.0.113.7"), ("::203.0.113.7", "203.0.113.7"),
        ])
    func families(block: String, address: String) throws { #expect(try !contains(block, address)) }

    @Test("each family as a whole") func all() throws {
        #expect(try contains("0.0.0.0/0", "255.255.255.255"))
        #expect(try contains("0.0.0.0/0", "::ffff:203.0.113.7"))
        #expect(try contains("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
        #expect(try contains("::/0", "::"))
    }
}
