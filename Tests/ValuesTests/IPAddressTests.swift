import Glibc
import TestSupport
import Testing

@testable import Values

@Suite("IP addresses")
struct IPAddressTests {
    @Test(
        "each is written one way, however it was spelled",
        arguments: [
            ("203.0.113.7", "203.0.113.7"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
            ("::", "::"), ("::1", "::1"), ("0:0:0:0:0:0:0:1", "::1"), ("1::", "1::"), ("2001:DB8::A", "2001:db8::a"),
            ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            // RFC 5952 §4.2: one zero group stays, the longest run goes, the leftmost of equals.
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("0:0:1:2:3:4:5:0", "::1:2:3:4:5:0"), ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"), ("0:2::7:0", "0:2::7:0"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("0::0", "::"),
            // A dotted quad at the end.
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
            ("::1.2.3.4", "::102:304"), ("::13.1.68.3", "::d01:4403"),
            // IPv4-mapped is IPv4; its neighbours are not.
            ("::ffff:203.0.113.7", "203.0.113.7"), ("::FFFF:cb00:7107", "203.0.113.7"),
            ("0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"), ("::ffff:0:0", "0.0.0.0"),
            ("::ffff:255.255.255.255", "255.255.255.255"), ("::fffe:203.0.113.7", "::fffe:cb00:7107"),
            ("::ffff:0:203.0.113.7", "::ffff:0:cb00:7107"), ("1::ffff:203.0.113.7", "1::ffff:cb00:7107"),
        ])
    func canonical(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(address.isIPv4 == canonical.contains("."))
    }

    @Test(
        "what is no address",
        arguments: [
            "", " ", ".", ":", ":::", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.", "1.2.3.4.5", "256.0.0.1",
            "1.2.3.256", "1.2.3.1000", "01.2.3.4", "1.2.3.00", "1.2.3.04", "0x1.2.3.4", "+1.2.3.4", "1.2.3.-4",
            "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "1.2.3.4\r\n", "1.2.3.4\0", "1.2.3.4:80", "1.2.3.4/32", "16909060",
            "1.2.3.a", "١.2.3.4", "１.2.3.4", "1。2。3。4",
            "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8",
            "1::2::3", "1:::2", ":1::", ":1:2:3:4:5:6:7:8", "::1:", "1:2:3:4:5:6:7:", "1:", "12345::", "::00001", "g::",
            "::-1",
            "[::1]", "[::1]:80", "fe80::1%eth0", "fe80::1%1", "::1/128", "::1 ", " ::1", "::1\0", "::é", "::１",
            "::1.2.3", "::1.2.3.4.5", "::1.2.3.04", "::1.2.3.256", "1.2.3.4::", "::1.2.3.4:5", "::a.2.3.4",
            "::1.2.3.4.",
            "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:1.2.3.4", "1:2:3:4:5:6::1.2.3.4:", "1.2.3.4:1:2:3:4:5:6",
            "localhost", "unknown", "::ffff:1.2.3.4:80",
        ])
    func malformed(text: String) { #expect(IPAddress(text) == nil) }

    @Test(
        "what one customer has",
        arguments: [
            ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("2001:db8:1:2::", "2001:db8:1:2::"), ("::1", "::"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::"),
        ])
    func network(address: String, network: String) { #expect(IPAddress(address)?.network.description == network) }

    @Test(
        "the site that one customer has at the most",
        arguments: [
            ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"), ("2001:db8:1:ffff::", "2001:db8:1::"), ("::1", "::"),
        ])
    func site(address: String, site: String) { #expect(IPAddress(address)?.site.description == site) }

    @Test("random addresses are read and written as the C library does", arguments: [1, 2, 3])
    func libraryText(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<5_000 {
            let bytes = random.address()
            let theirs = try #require(CLibrary.text(bytes))
            let address = try #require(IPAddress(theirs), "\(theirs)")
            let ours = address.description
            if address.isIPv4 {
                #expect(ours == (bytes.count == 4 ? theirs : String(theirs.dropFirst("::ffff:".count))))
                #expect(CLibrary.bytes(ours) == bytes.suffix(4))
            } else {
                // The C library still writes the "IPv4-compatible" addresses that RFC 4291 §2.5.5.1 gave up as dotted quads.
                #expect(ours == theirs || bytes.prefix(12).allSatisfy { $0 == 0 }, "\(theirs)")
                #expect(CLibrary.bytes(ours) == bytes)
            }
            #expect(IPAddress(ours) == address)
        }
    }

    @Test("what is an address and what isn't is decided as the C library does", arguments: [4, 5, 6])
    func librarySyntax(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let characters = Array("0012589abfF:::...g% /".utf8)
        var valid = 0
        for _ in 0..<20_000 {
            var text = Array(try #require(CLibrary.text(random.address())).utf8)
            for _ in 0...Int.random(in: 0...2, using: &random) {
                let character = try #require(characters.randomElement(using: &random))
                let at = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text[at] = character
                case 1: text.insert(character, at: at)
                default: if text.count > 1 { text.remove(at: at) }
                }
            }
            let mutant = String(decoding: text, as: UTF8.self)
            let address = IPAddress(mutant)
            let bytes = CLibrary.bytes(mutant)
            #expect((address != nil) == (bytes != nil), "\(mutant)")
            guard let address, let bytes else { continue }
            #expect(CLibrary.bytes(address.description) == (address.isIPv4 ? bytes.suffix(4) : bytes), "\(mutant)")
            valid += 1
        }
        // Enough of both kinds for this to mean something.
        #expect((2_000...18_000).contains(valid))
    }
}

/// The addresses of the C library.
private enum CLibrary {
    static func text(_ bytes: [UInt8]) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let size = socklen_t(buffer.count)
        return inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &buffer, size).map { String(cString: $0) }
    }

    static func bytes(_ text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes.prefix(4)) }
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }
}

extension SplitMix64 {
    /// Four or sixteen bytes; in the latter, many groups are zero or have leading zeros, and some are IPv4-mapped.
    fileprivate mutating func address() -> [UInt8] {
        if next() % 4 == 0 { return (0..<4).map { _ in byte() } }
        if next() % 8 == 0 { return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] + (0..<4).map { _ in byte() } }
        return (0..<8).flatMap { _ in
            switch next() % 4 {
            case 0, 1: [0, 0] as [UInt8]
            case 2: [0, byte()]
            default: [byte(), byte()]
            }
        }
    }

    private mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
}
