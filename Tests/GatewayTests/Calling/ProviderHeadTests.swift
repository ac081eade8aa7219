import Catalog
import NIOCore
import Secrets
import Testing
import Wire

@testable import Gateway

@Suite("The head of a call to its provider")
struct ProviderHeadTests {
    private let key = "sk-Ab3secretx9"

    private func head(
        _ pairs: [(String, String)], base: String = "https://provider.example/v1", secret: Secret? = nil
    ) throws -> RequestHead {
        var caller = ByteBuffer(string: "POST /v1/chat/completions HTTP/1.1\r\n")
        if !pairs.contains(where: { $0.0.lowercased() == "host" }) { caller.writeString("Host: latchkey\r\n") }
        // What frames a body must fit it, so the caller has none here.
        for (name, value) in pairs { caller.writeString("\(name): \(value)\r\n") }
        caller.writeString("\r\n")
        let read = try read(caller)
        return try self.read(
            ProviderHead.bytes(
                to: try #require(BaseURL(base)), path: "/chat/completions", secret: secret, bodyBytes: 0,
                passing: read.fields, withoutKey: key))
    }

    private func read(_ bytes: ByteBuffer) throws -> RequestHead {
        var bytes = bytes
        var reader = RequestReader()
        guard case .head(let head)? = try reader.next(from: &bytes) else { throw Unread() }
        return head
    }

    private struct Unread: Error {}

    private func names(_ head: RequestHead) -> [String: String] {
        var names: [String: String] = [:]
        head.fields.forEachBytes { name, value in
            let name = String(decoding: name, as: UTF8.self).lowercased()
            let value = String(decoding: value, as: UTF8.self)
            names[name] = names[name].map { "\($0), \(value)" } ?? value
        }
        return names
    }

    /// The fields that came from the caller, and how the answer is to be sent.
    private func toUpstream(_ pairs: [(String, String)]) throws -> [String: String] {
        var names = names(try head(pairs))
        for own in ["host", "content-type", "content-length"] { names[own] = nil }
        return names
    }

    @Test(
        "each field that may pass does, however it is written",
        arguments: [
            "Accept", "Accept-Language", "User-Agent", "OpenAI-Beta", "traceparent", "tracestate", "X-Stainless-Lang",
            "ACCEPT-LANGUAGE", "x-stainless-retry-count",
        ])
    func passes(name: String) throws { #expect(try toUpstream([(name, "a value")])[name.lowercased()] == "a value") }

    @Test(
        "what only begins like one of them does not", arguments: ["Accept-Charset", "Accept-Languages", "X-Stainless-"])
    func passesNot(name: String) throws { #expect(try toUpstream([(name, "a value")])[name.lowercased()] == nil) }

    @Test("it is addressed to the provider, with the provider's secret and no other") func own() throws {
        let head = try head(
            [("Authorization", "Bearer \(key)"), ("X-Stainless-Lang", "js")], base: "http://[::1]:8080/base",
            secret: Secret("provider-secret"))
        #expect(String(decoding: head.target, as: UTF8.self) == "/base/chat/completions")
        #expect(
            names(head) == [
                "host": "[::1]:8080", "content-type": "application/json", "content-length": "0",
                "accept-encoding": "identity", "authorization": "Bearer provider-secret", "x-stainless-lang": "js",
            ])
    }

    private static let hopByHop = [
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
        "Upgrade", "KEEP-alive",
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
            "Authorization", "Cookie", "Content-Location", "Forwarded", "Via", "Origin", "Referer",
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
        #expect(try toUpstream([(name, "one"), (name, "two")])[name.lowercased()] == "one, two")
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
