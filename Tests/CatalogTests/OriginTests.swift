import Testing

@testable import Catalog

@Suite("Where a base URL leads")
struct OriginTests {
    @Test(
        "scheme, host, port and path",
        arguments: [
            ("https://api.example.com/v1", true, "api.example.com", 443, "api.example.com", "/v1"),
            ("http://API.example.com/v1", false, "api.example.com", 80, "api.example.com", "/v1"),
            ("HTTPS://api.example.com:8443", true, "api.example.com", 8443, "api.example.com:8443", ""),
            ("http://127.0.0.1:1/a:b", false, "127.0.0.1", 1, "127.0.0.1:1", "/a:b"),
            ("http://a.example:443/x/y/", false, "a.example", 443, "a.example:443", "/x/y"),
            ("https://[2001:db8::1]/v1", true, "2001:db8::1", 443, "[2001:db8::1]", "/v1"),
            ("https://[2001:db8::1]:99/v1", true, "2001:db8::1", 99, "[2001:db8::1]:99", "/v1"),
        ])
    func parts(text: String, isSecure: Bool, host: String, port: Int, authority: String, path: String) throws {
        let url = try #require(BaseURL(text))
        let origin = url.origin
        #expect(origin.isSecure == isSecure && origin.host == host && origin.port == port)
        #expect(origin.authority == authority && url.authority == authority)
        #expect(url.path == path)
    }

    @Test("a scheme or a port makes another origin, a path does not") func equality() throws {
        func origin(_ text: String) throws -> Origin { try #require(BaseURL(text)).origin }
        #expect(try origin("https://a.example/v1") == origin("https://A.example:443/v2"))
        #expect(try origin("https://a.example") != origin("https://a.example:8443"))
        #expect(try origin("https://a.example:80") != origin("http://a.example"))
    }
}
