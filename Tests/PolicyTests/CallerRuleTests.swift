import Policy
import Testing
import Values

/// From where a key may be used: addresses, and the pages of one host (ASVS 8.2.4).
@Suite("Where a key may be used from")
struct CallerRuleTests {
    private func fromAddress(_ address: String?, _ list: [String]?) -> Denial? {
        Facts().with {
            $0.address = address.flatMap(IPAddress.init)
            $0.terms.addresses = list.map { $0.compactMap(AddressBlock.init) }
        }.denial
    }

    private func fromPage(_ origin: WebOrigin, _ host: String?) -> Denial? {
        Facts().with {
            $0.origin = origin
            $0.terms.host = host.flatMap(HostName.init)
        }.denial
    }

    @Test("a key without a list may be used from anywhere, also from where nobody knows") func noList() {
        #expect(fromAddress("192.0.2.1", nil) == nil)
        #expect(fromAddress(nil, nil) == nil)
    }

    @Test("any entry of the list will do") func anyEntry() {
        let list = ["198.51.100.7", "192.0.2.0/24", "2001:db8::/32"]
        for address in ["198.51.100.7", "192.0.2.0", "192.0.2.255", "2001:db8::1", "::ffff:192.0.2.7"] {
            #expect(fromAddress(address, list) == nil, "\(address)")
        }
        for address in ["198.51.100.8", "192.0.3.0", "2001:db9::", "::1"] {
            #expect(fromAddress(address, list) == .ipNotAllowed, "\(address)")
        }
    }

    @Test("an address that can't be known is on no list, however wide, and an empty list has nobody on it")
    func unknownAddress() {
        #expect(fromAddress(nil, ["0.0.0.0/0", "::/0"]) == .ipNotAllowed)
        #expect(fromAddress("192.0.2.1", ["0.0.0.0/0"]) == nil)
        #expect(fromAddress("192.0.2.1", ["::/0"]) == .ipNotAllowed)
        #expect(fromAddress("192.0.2.1", []) == .ipNotAllowed)
    }

    @Test("a key for servers is refused to every browser, whether its page has a name or not") func servers() {
        #expect(fromPage(.none, nil) == nil)
        #expect(fromPage(.unknown, nil) == .browserNotAllowed)
        #expect(fromPage(WebOrigin(header: "https://app.example"), nil) == .browserNotAllowed)
        #expect(fromPage(WebOrigin(header: "null"), nil) == .browserNotAllowed)
    }

    @Test("a page of the console may call with a key for servers, and with a bound one only where that is at home")
    func console() throws {
        let home = try #require(HostName("app.example"))
        for console in [nil, home] { #expect(fromPage(.console(console), nil) == nil) }
        #expect(fromPage(.console(home), "app.example") == nil)
        #expect(fromPage(.console(home), "other.example") == .hostNotAllowed)
        #expect(fromPage(.console(nil), "app.example") == .hostNotAllowed)
    }

    @Test("a bound key is for the pages of its host, whatever scheme, port and case") func bound() {
        for origin in ["https://app.example", "http://app.example", "https://APP.example:8443", "HTTPS://app.Example"] {
            #expect(fromPage(WebOrigin(header: origin), "App.Example") == nil, "\(origin)")
        }
    }

    @Test("a bound key is refused to other hosts, to pages without a name and to callers that are no browser")
    func otherHosts() {
        for origin in [
            "https://app.example.evil.example", "https://www.app.example", "https://example", "https://app.exampl",
            "https://app.example.", "https://app.example@evil.example", "https://evil.example#app.example", "null",
        ] {
            #expect(fromPage(WebOrigin(header: origin), "app.example") == .hostNotAllowed, "\(origin)")
        }
        #expect(fromPage(.none, "app.example") == .hostNotAllowed)
        #expect(fromPage(.unknown, "app.example") == .hostNotAllowed)
    }
}
