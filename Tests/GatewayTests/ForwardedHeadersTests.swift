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

    private func toCaller(_ pairs: [(String, String)]) throws -> [String: String] {
        names(ForwardedHeaders.toCaller(try fields(pairs)))
    }

    private func names(_ fields: HTTPFields) -> [String: String] {
        Dictionary(fields.map { ($0.name.canonicalName, $0.value) }) { "\($0), \($1)" }
    }

    private static let hopByHop = [
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "KEEP-alive",
    ]

    @Test("what is for one hop goes no further, in either direction", arguments: hopByHop)
    func hop(name: String) throws {
        let pairs = [(name, "x"), ("X-Stays", "1")]
        #expect(try toUpstream(pairs) == ["x-stays": "1", "accept-encoding": "identity"])
        #expect(try toCaller(pairs) == ["x-stays": "1"])
    }

    @Test(
        "what Connection names is for one hop, in either direction",
        arguments: [
            [("Connection", "X-One, x-TWO")], [("Connection", "close,X-One"), ("connection", "\tx-two ,")],
            [("X-One", "0"), ("Connection", "x-one , , X-Two")],
        ])
    func named(connection: [(String, String)]) throws {
        let pairs = connection + [("X-One", "1"), ("x-two", "2"), ("X-Three", "3")]
        #expect(try toUpstream(pairs) == ["x-three": "3", "accept-encoding": "identity"])
        #expect(try toCaller(pairs) == ["x-three": "3"])
    }

    @Test(
        "what is the caller's and ours stays here",
        arguments: [
            "Authorization", "Cookie", "Host", "Content-Length", "Expect", "Forwarded", "Via", "Origin", "Referer",
            "X-Real-IP",
            "X-API-Key", "Api-Key", "X-CSRF-Token", "X-Forwarded-For", "X-Forwarded-Host", "Sec-Fetch-Site",
            "Sec-CH-UA",
            "X-Latchkey-Code",
        ])
    func kept(name: String) throws {
        #expect(
            try toUpstream([(name, "x"), ("Content-Type", "application/json")]) == [
                "content-type": "application/json", "accept-encoding": "identity",
            ])
    }

    @Test(
        "what a client says to the upstream reaches it, in order and as often as it was said",
        arguments: [
            "OpenAI-Organization", "User-Agent", "X-Stainless-Lang", "Idempotency-Key", "Accept", "traceparent",
        ])
    func passed(name: String) throws {
        let passed = ForwardedHeaders.toUpstream(try fields([(name, "one"), (name, "two")]), withoutKey: key)
        #expect(passed[values: try #require(HTTPField.Name(name))] == ["one", "two"])
    }

    @Test("a field with the key anywhere in its value doesn't pass, whatever its name; every field of that name goes")
    func withoutKey() throws {
        let passed = try toUpstream([
            ("X-Custom", key), ("X-Auth", "Bearer \(key)"), ("X-Log", "a=1; key=\(key); b=2"), ("X-Twice", "clean"),
            ("X-Twice", key), ("User-Agent", "client/1.0 (\(key))"), ("X-Clean", "sk-Ab3…x9"),
        ])
        #expect(passed == ["x-clean": "sk-Ab3…x9", "accept-encoding": "identity"])
    }

    @Test("the upstream is asked for plain bytes, whatever the caller can read") func encoding() throws {
        #expect(try toUpstream([("Accept-Encoding", "gzip, br")]) == ["accept-encoding": "identity"])
        #expect(try toUpstream([("Connection", "accept-encoding")]) == ["accept-encoding": "identity"])
    }

    @Test(
        "what speaks for the upstream's own site doesn't reach the caller",
        arguments: [
            "Content-Length", "Set-Cookie", "Server", "Date", "Alt-Svc", "Strict-Transport-Security",
            "WWW-Authenticate",
            "Location", "Refresh", "Clear-Site-Data", "Content-Security-Policy", "X-Request-Id",
            "Access-Control-Allow-Origin", "X-Latchkey-Code", "x-latchkey-anything",
        ])
    func upstreamsOwn(name: String) throws {
        #expect(
            try toCaller([(name, "x"), ("Content-Type", "text/event-stream")]) == ["content-type": "text/event-stream"])
    }

    @Test("what a client needs of the answer reaches it") func answer() throws {
        let pairs = [
            ("Content-Type", "application/json"), ("Retry-After", "20"), ("X-RateLimit-Remaining-Requests", "5"),
            ("OpenAI-Processing-Ms", "12"), ("Cache-Control", "no-cache"),
        ]
        #expect(try toCaller(pairs) == Dictionary(pairs.map { ($0.0.lowercased(), $0.1) }) { first, _ in first })
    }
}
