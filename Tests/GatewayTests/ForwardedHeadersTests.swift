import HTTPTypes
import Testing

@testable import Gateway

@Suite("Headers that pass the gateway")
struct ForwardedHeadersTests {
    private let key = "sk-Ab3secretx9"

    private func fields(_ pairs: [(String, String)]) throws -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in pairs { fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value)) }
        return fields
    }

    private func toUpstream(_ pairs: [(String, String)]) throws -> [String: String] {
        names(ForwardedHeaders.toUpstream(try fields(pairs), withoutKey: key))
    }

    private func names(_ fields: HTTPFields) -> [String: String] {
        Dictionary(fields.map { ($0.name.canonicalName, $0.value) }) { "\($0), \($1)" }
    }

    private static let hopByHop = [
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "KEEP-alive",
    ]

    @Test("what is for one hop goes no further", arguments: hopByHop)
    func hop(name: String) throws {
        let pairs = [(name, "x"), ("X-Stainless-Stays", "1")]
        #expect(try toUpstream(pairs) == ["x-stainless-stays": "1", "accept-encoding": "identity"])
    }

    @Test(
        "what Connection names is for one hop",
        arguments: [
            [("Connection", "X-Stainless-1, x-stainless-2")],
            [("Connection", "close,X-Stainless-1"), ("connection", "\tx-stainless-2 ,")],
            [("X-Stainless-1", "0"), ("Connection", "x-stainless-1 , , X-Stainless-2")],
        ])
    func named(connection: [(String, String)]) throws {
        let pairs = connection + [("X-Stainless-1", "1"), ("x-stainless-2", "2"), ("X-Stainless-3", "3")]
        #expect(try toUpstream(pairs) == ["x-stainless-3": "3", "accept-encoding": "identity"])
    }

    @Test(
        "what is the caller's and ours stays here",
        arguments: [
            "Authorization", "Cookie", "Host", "Content-Length", "Expect", "Forwarded", "Via", "Origin", "Referer",
            "X-Real-IP",
            "X-API-Key", "Api-Key", "X-CSRF-Token", "X-Forwarded-For", "X-Forwarded-Host", "Sec-Fetch-Site",
            "Sec-CH-UA",
            "X-Latchkey-Code", "Content-Encoding", "Content-MD5", "Digest",
        ])
    func kept(name: String) throws {
        #expect(try toUpstream([(name, "x"), ("Accept", "*/*")]) == ["accept": "*/*", "accept-encoding": "identity"])
    }

    @Test(
        "no caller chooses whose project pays, whom a call is from or where it goes",
        arguments: [
            "OpenAI-Organization", "OpenAI-Project", "X-Goog-User-Project", "X-Auth-Token", "X-Original-URL",
            "X-Rewrite-URL", "X-HTTP-Method-Override", "True-Client-IP", "CF-Connecting-IP", "X-Anything",
        ])
    func steering(name: String) throws {
        #expect(try toUpstream([(name, "x")]) == ["accept-encoding": "identity"])
    }

    @Test(
        "what a client says to the upstream reaches it, in order and as often as it was said",
        arguments: [
            "OpenAI-Beta", "User-Agent", "X-Stainless-Lang", "Accept", "traceparent", "tracestate",
        ])
    func passed(name: String) throws {
        let passed = ForwardedHeaders.toUpstream(try fields([(name, "one"), (name, "two")]), withoutKey: key)
        #expect(passed[values: try #require(HTTPField.Name(name))] == ["one", "two"])
    }

    @Test(
        "a key of idempotency ends here: at the provider, those of two tenants would meet",
        arguments: ["Idempotency-Key", "idempotency-key", "X-Idempotency-Key"])
    func idempotencyKey(name: String) throws {
        #expect(
            try toUpstream([(name, "order-1"), ("Accept", "*/*")]) == ["accept": "*/*", "accept-encoding": "identity"])
    }

    @Test("a field with the key anywhere in its value doesn't pass, whatever its name; every field of that name goes")
    func withoutKey() throws {
        let passed = try toUpstream([
            ("Accept", key), ("OpenAI-Beta", "Bearer \(key)"), ("X-Stainless-Log", "a=1; key=\(key); b=2"),
            ("X-Stainless-Twice", "clean"), ("X-Stainless-Twice", key), ("User-Agent", "client/1.0 (\(key))"),
            ("X-Stainless-Clean", "sk-Ab3…x9"),
        ])
        #expect(passed == ["x-stainless-clean": "sk-Ab3…x9", "accept-encoding": "identity"])
    }

    @Test("the upstream is asked for plain bytes, whatever the caller can read") func encoding() throws {
        #expect(try toUpstream([("Accept-Encoding", "gzip, br")]) == ["accept-encoding": "identity"])
        #expect(try toUpstream([("Connection", "accept-encoding")]) == ["accept-encoding": "identity"])
    }
}
