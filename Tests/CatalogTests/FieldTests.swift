import Catalog
import Secrets
import Testing

@Suite("Fields of the catalog")
struct FieldTests {
    @Test(
        "addresses that an admin may configure, local ones too",
        arguments: [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("http://127.1/v1", "http://127.1/v1"),
            ("http://localhost:11434/v1", "http://localhost:11434/v1"),
            ("http://169.254.169.254", "http://169.254.169.254"),
            ("http://2130706433/", "http://2130706433"), ("http://[::1]:9000/v1", "http://[::1]:9000/v1"),
            ("http://[fe80::1]", "http://[fe80::1]"), ("http://[::ffff:127.0.0.1]/v1", "http://[::ffff:127.0.0.1]/v1"),
            ("HTTPS://Example.COM/V1", "https://Example.COM/V1"),
            ("https://example.com:65535", "https://example.com:65535"),
            ("https://xn--bcher-kva.example/a/b/c", "https://xn--bcher-kva.example/a/b/c"),
        ])
    func goodAddress(text: String, kept: String) { #expect(BaseURL(text)?.text == kept) }

    @Test(
        "addresses that hide something, or are none",
        arguments: [
            "", "example.com", "//example.com", "ftp://example.com", "file:///etc/passwd", "https:example.com",
            "https://",
            "https:///v1", "https://:443", "https://user@example.com", "https://user:pw@example.com/v1",
            "https://good.example@evil.example", "https://example.com?x=1", "https://example.com/v1?",
            "https://example.com#",
            "https://example.com/v1#a", #"https://example.com\v1"#, #"https://example.com\@evil.example"#,
            "https://example.com/a b", " https://example.com", "https://example.com ", "https://exa\tmple.com",
            "https://example.com\r\nX: 1", "https://example.com/\u{0}", "https://bücher.example",
            "https://ex_ample.com",
            "https://example.com:0", "https://example.com:65536", "https://example.com:", "https://example.com:http",
            "https://example.com:-1", "https://::1", "https://[::1", "https://::1]", "https://[]", "https://[1:zz]",
            "https://[::1%25eth0]", "https://a:b:1", "https://%31%32%37.1",
        ])
    func badAddress(text: String) { #expect(BaseURL(text) == nil) }

    @Test("a port is digits, without a sign") func portSign() { #expect(BaseURL("https://example.com:+80/v1") == nil) }

    @Test("an address keeps no slash at its end, and reads back as itself", arguments: ["/", "//", "/v1//", "/v1///"])
    func slashes(end: String) throws {
        let url = try #require(BaseURL("https://example.com" + end))
        #expect(!url.text.hasSuffix("/"))
        #expect(BaseURL(url.text) == url)
    }

    @Test("an address has 500 characters at most") func addressLength() {
        let stem = "https://example.com/"
        #expect(BaseURL(stem + String(repeating: "a", count: 500 - stem.utf8.count)) != nil)
        #expect(BaseURL(stem + String(repeating: "a", count: 501 - stem.utf8.count)) == nil)
    }

    @Test(
        "names of models as the world has them",
        arguments: [
            "a", "gpt-4.1-mini", "meta-llama/Llama-3.1-8B", "qwen2.5:7b", "ft:gpt-4o:org::id", "model@2024-08-01",
            "o3_pro",
            String(repeating: "m", count: 100),
        ])
    func goodModel(text: String) { #expect(ModelName(text)?.text == text) }

    @Test(
        "what is no name of a model",
        arguments: [
            "", " ", "gpt 4", " gpt", "gpt\n", "gpt\u{0}", "gpt?", "gpt#1", "gpt%20", #"a\b"#, "a\"b", "gpt,4",
            "modèle", "模型",
            "ｇｐｔ", "gpt\u{202E}", String(repeating: "m", count: 101),
        ])
    func badModel(text: String) { #expect(ModelName(text) == nil) }

    @Test("a provider's secret fits into a header") func secret() {
        for text in ["k", "sk-proj-Ab_9+/=.~", String(repeating: "k", count: 1000)] {
            #expect(ProviderSecret(text)?.secret.exposed() == text)
        }
        for text in [
            "", " ", "a b", "key\r\nX-Evil: 1", "key\n", "schlüssel", "\u{7F}", String(repeating: "k", count: 1001),
        ] {
            #expect(ProviderSecret(text) == nil)
        }
    }
}
