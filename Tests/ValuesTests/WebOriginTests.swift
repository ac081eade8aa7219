import Testing

@testable import Values

@Suite("Origins")
struct WebOriginTests {
    @Test(
        "the host of an origin, whatever its scheme and port",
        arguments: [
            ("https://example.com", "example.com"), ("http://example.com", "example.com"),
            ("https://App.Example.COM", "app.example.com"), ("HTTPS://example.com", "example.com"),
            ("https://example.com:443", "example.com"), ("http://localhost:1", "localhost"),
            ("http://localhost:65535", "localhost"), ("http://203.0.113.7:8080", "203.0.113.7"),
            ("https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ])
    func host(header: String, host: String) throws {
        #expect(WebOrigin(header: header) == .host(try #require(HostName(host))))
    }

    @Test(
        "what names no page",
        arguments: [
            "null", "", " ", "*", "example.com", "//example.com", "://example.com", "https:example.com",
            "https:/example.com", "https:///example.com", "https://", "https://:443", "https//example.com",
            "https://example.com/", "https://example.com/path", "https://example.com?q", "https://example.com#f",
            "https://example.com\\", "https://user@example.com", "https://user:secret@example.com",
            "https://example.com@evil.example", "https://evil.example\\@example.com", "https://example.com:",
            "https://example.com:0", "https://example.com:65536", "https://example.com:99999",
            "https://example.com:100000", "https://example.com:0443", "https://example.com:+443",
            "https://example.com:-1", "https://example.com:a", "https://example.com:４４３", "https://example.com:44 3",
            "https://example.com:443:443", "https://example.com:443/", "https://example.com.", "https://*.example.com",
            "https://[::1]", "https://[::1]:443", "https://::1", "https://bücher.example", "https://exa_mple.com",
            "https://example.com https://example.org", "https://example.com, https://example.org",
            "https://example.com,https://example.com", " https://example.com", "https://example.com ",
            "https://example.com\n", "ftp://example.com", "file://", "file://example.com", "ws://example.com",
            "chrome-extension://abcdefgh", "httpsx://example.com", "xhttps://example.com", "data:text/html,x",
            "javascript://example.com", "https:/\u{301}/example.com", "https://\u{301}example.com",
        ])
    func unknown(header: String) { #expect(WebOrigin(header: header) == .unknown) }
}
