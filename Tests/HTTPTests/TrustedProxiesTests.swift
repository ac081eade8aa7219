import HTTPTypes
import Testing
import Values

@testable import HTTP

@Suite("The client's address")
struct TrustedProxiesTests {
    private func client(_ peer: String, _ lines: [String], trusting blocks: [String]) throws -> String? {
        try client(peer, lines.map { ("X-Forwarded-For", $0) }, trusting: blocks)
    }

    private func client(_ peer: String, _ fields: [(String, String)], trusting blocks: [String]) throws -> String? {
        let lines = fields.filter { $0.0.lowercased() == "x-forwarded-for" }.map { Array($0.1.utf8) }
        let proxies = TrustedProxies(try blocks.map { try #require(AddressBlock($0)) })
        return proxies.client(peer: IPAddress(peer), lines)?.description
    }

    private static let house = ["10.0.0.0/8", "2001:db8:1::/48"]

    @Test(
        "a peer that nobody vouched for is the client, whatever it says",
        arguments: [[], ["198.51.100.1"], ["10.0.0.1"], ["garbage"], [""]])
    func untrusted(lines: [String]) throws {
        #expect(try client("203.0.113.7", lines, trusting: Self.house) == "203.0.113.7")
        #expect(try client("203.0.113.7", lines, trusting: []) == "203.0.113.7")
        #expect(try client("10.0.0.1", lines, trusting: []) == "10.0.0.1")
        #expect(try client("2001:db8::7", lines, trusting: Self.house) == "2001:db8::7")
    }

    @Test("a peer without an address, or with none that can be read", arguments: ["", "unix:", "10.0.0.1:80", "[::1]"])
    func unreadable(peer: String) throws {
        #expect(try client(peer, ["198.51.100.1"], trusting: ["0.0.0.0/0", "::/0"]) == nil)
        #expect(try client(peer, ["198.51.100.1"], trusting: []) == nil)
    }

    @Test(
        "from the right, the first that is no proxy of ours",
        arguments: [
            (["198.51.100.1"], "198.51.100.1"), (["2001:db8::7"], "2001:db8::7"),
            (["198.51.100.2, 198.51.100.1"], "198.51.100.1"), (["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            (["198.51.100.2, 198.51.100.1, 10.0.0.3, 10.0.0.2"], "198.51.100.1"),
            (["198.51.100.1, 2001:db8:1::2,10.0.0.2"], "198.51.100.1"),
            // What stands before the client was written by the client.
            (["garbage, 198.51.100.1"], "198.51.100.1"), (["10.0.0.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ([",, , 198.51.100.1, 10.0.0.2"], "198.51.100.1"), (["", "198.51.100.1"], "198.51.100.1"),
            // Blanks around an element, and none.
            (["198.51.100.2,198.51.100.1"], "198.51.100.1"), (["198.51.100.1 \t,\t 10.0.0.2 "], "198.51.100.1"),
            // Several lines are one list.
            (["198.51.100.1", "10.0.0.2"], "198.51.100.1"), (["198.51.100.2", "198.51.100.1"], "198.51.100.1"),
            (["198.51.100.2, 198.51.100.1", "10.0.0.3, 10.0.0.2", "10.0.0.4"], "198.51.100.1"),
            // IPv4-mapped is IPv4, as a proxy and as a client.
            (["198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1"), (["::ffff:198.51.100.1"], "198.51.100.1"),
        ] as [([String], String)])
    func walk(lines: [String], expected: String) throws {
        #expect(try client("10.0.0.1", lines, trusting: Self.house) == expected)
        #expect(try client("::ffff:10.0.0.1", lines, trusting: Self.house) == expected)
        #expect(try client("2001:db8:1::1", lines, trusting: Self.house) == expected)
    }

    @Test(
        "an address may carry a port, and one of IPv6 brackets",
        arguments: [
            ("198.51.100.1:4711", "198.51.100.1"), ("[2001:db8::7]:80", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("198.51.100.2:1, 198.51.100.1:65535, 10.0.0.2:80", "198.51.100.1"), ("2001:db8::7:80", "2001:db8::7:80"),
            ("198.51.100.1, [2001:db8:1::2]:443", "198.51.100.1"), ("[::ffff:198.51.100.1]:1", "198.51.100.1"),
        ])
    func ports(line: String, expected: String) throws {
        #expect(try client("10.0.0.1", [line], trusting: Self.house) == expected)
    }

    @Test("where all are proxies of ours, the one farthest away is the client") func allTrusted() throws {
        #expect(try client("10.0.0.1", [] as [String], trusting: Self.house) == "10.0.0.1")
        #expect(try client("10.0.0.1", ["10.0.0.2"], trusting: Self.house) == "10.0.0.2")
        #expect(try client("10.0.0.1", ["10.0.0.4, 10.0.0.3", "10.0.0.2"], trusting: Self.house) == "10.0.0.4")
        #expect(try client("203.0.113.7", ["198.51.100.2, 198.51.100.1"], trusting: ["0.0.0.0/0"]) == "198.51.100.2")
    }

    @Test(
        "garbage before a client was found leaves it unknown",
        arguments: [
            [""], [" "], [","], ["garbage"], ["unknown"], ["_hidden"], ["198.51.100.1:"], ["[2001:db8::7"],
            ["2001:db8::7:80:1:2:3:4:5"],
            ["[198.51.100.1]:80"], ["[2001:db8::7]:"], ["[2001:db8::7]:65536"], ["198.51.100.1:+1"],
            ["198.51.100.1:1:2"],
            [":80"], ["[]:80"], ["198.51.100.1:123456"], ["fe80::1%eth0"], ["\"198.51.100.1\""], ["for=198.51.100.1"],
            ["198.51.100.1/32"],
            ["198.51.100.1;"], ["198.51.100.1 198.51.100.2"], ["198.51.100.01"], ["198.51.100.1,"],
            ["198.51.100.1, "], ["198.51.100.1,,10.0.0.2"], ["198.51.100.1, garbage"],
            ["198.51.100.1, garbage, 10.0.0.2"],
            [", 10.0.0.2"], ["198.51.100.1", ""], ["198.51.100.1", "garbage"], ["garbage", "10.0.0.2"],
            ["", "10.0.0.2"],
            ["198.51.100.é"],
        ])
    func garbage(lines: [String]) throws {
        #expect(try client("10.0.0.1", lines, trusting: Self.house) == nil)
    }

    @Test("no other field is ever read, and this one in any case") func names() throws {
        let others = [
            ("Forwarded", "for=198.51.100.1"), ("X-Real-IP", "198.51.100.1"), ("X_Forwarded_For", "198.51.100.1"),
            ("X-Forwarded-For-Original", "198.51.100.1"), ("CF-Connecting-IP", "198.51.100.1"),
            ("True-Client-IP", "198.51.100.1"), ("X-Client-IP", "198.51.100.1"), ("Via", "198.51.100.1"),
        ]
        #expect(try client("10.0.0.1", others, trusting: Self.house) == "10.0.0.1")
        let both = [others[0], ("x-FORWARDED-for", "198.51.100.2"), others[1], others[2]]
        #expect(try client("10.0.0.1", both, trusting: Self.house) == "198.51.100.2")
    }

    @Test("one proxy may be trusted without its neighbours") func single() throws {
        #expect(try client("10.0.0.1", ["198.51.100.1"], trusting: ["10.0.0.1"]) == "198.51.100.1")
        #expect(try client("10.0.0.2", ["198.51.100.1"], trusting: ["10.0.0.1"]) == "10.0.0.2")
        #expect(try client("10.0.0.1", ["198.51.100.1, 10.0.0.2"], trusting: ["10.0.0.1"]) == "10.0.0.2")
        #expect(TrustedProxies.none.client(peer: IPAddress("10.0.0.1"), [[UInt8]]())?.description == "10.0.0.1")
    }
}
