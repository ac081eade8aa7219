import Testing

@testable import Values

@Suite("Host names")
struct HostNameTests {
    private static func name(labels: [Int]) -> String {
        labels.map { String(repeating: "a", count: $0) }.joined(separator: ".")
    }

    @Test(
        "in lower case",
        arguments: [
            ("example.com", "example.com"), ("App.Example.COM", "app.example.com"), ("localhost", "localhost"),
            ("a", "a"), ("0", "0"), ("3com.example", "3com.example"), ("a--b.example", "a--b.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("203.0.113.7", "203.0.113.7"),
            ("a.b.c.d.e.f.g", "a.b.c.d.e.f.g"),
        ])
    func names(text: String, name: String) { #expect(HostName(text)?.text == name) }

    @Test(
        "what is no host name",
        arguments: [
            "", ".", "..", "example..com", ".example.com", "example.com.", "-example.com", "example-.com",
            "example.-com",
            "example.com-", "-", "*.example.com", "*", "https://example.com", "example.com:443", "example.com/",
            "user@example.com", "exa mple.com", " example.com", "example.com ", "example.com\n", "example.com\0",
            "exa_mple.com", "example,com", "example.com,example.org", "[::1]", "::1", "bücher.example", "例え.example",
            "example。com", "\u{212A}.example", "e\u{301}.example", "%65xample.com", "null,",
        ])
    func malformed(text: String) { #expect(HostName(text) == nil) }

    @Test("63 characters between dots and 253 in all, and no more") func lengths() {
        #expect(HostName(Self.name(labels: [63, 3])) != nil)
        #expect(HostName(Self.name(labels: [64, 3])) == nil)
        #expect(HostName(Self.name(labels: [3, 64])) == nil)
        #expect(HostName(Self.name(labels: [63, 63, 63, 61])) != nil)
        #expect(HostName(Self.name(labels: [63, 63, 63, 62])) == nil)
        #expect(HostName(String(repeating: "a.", count: 126) + "a") != nil)
        #expect(HostName(String(repeating: "a.", count: 127) + "a") == nil)
    }

    @Test("one name however it is spelled") func equal() {
        #expect(HostName("Example.com") == HostName("eXAMPLE.COM"))
        #expect(HostName("example.com") != HostName("example.org"))
    }
}
