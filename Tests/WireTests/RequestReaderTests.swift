import NIOCore
import Testing
import Values

@testable import Wire

@Suite("Requests that are read")
struct RequestReaderTests {
    private func head(_ text: String, _ bounds: HeadBounds = HeadBounds()) throws(FramingError) -> RequestHead? {
        var reader = RequestReader(bounds)
        var bytes = ByteBuffer(string: text)
        guard case .head(let head)? = try reader.next(from: &bytes) else { return nil }
        return head
    }

    /// The reason why a head of this line and these fields is refused.
    private func refusal(
        _ line: String = "GET / HTTP/1.1", _ fields: String..., bounds: HeadBounds = HeadBounds()
    ) -> FramingError.Reason? {
        let text = ([line] + fields).joined(separator: "\r\n") + "\r\n\r\n"
        return Reading(requests: Array(text.utf8), bounds: bounds).error
    }

    @Test("a head is its parts") func parts() throws {
        let head = try #require(
            try head(
                "POST /v1/chat?a=1 HTTP/1.1\r\nHost: h:80\r\nContent-Length: 2\r\nX-Two: 1\r\nx-two:\t2 \r\n\r\n{}"))
        #expect(head.method == .post)
        #expect(head.version == .http11)
        #expect(String(buffer: ByteBuffer(head.path)) == "/v1/chat")
        #expect(head.query.map { String(buffer: ByteBuffer($0)) } == "a=1")
        #expect(head.host.map { String(buffer: ByteBuffer($0)) } == "h:80")
        #expect(head.framing == .length(2))
        #expect(head.keepsAlive)
        #expect(!head.expectsContinue)
        #expect(head.fields.count == 4)
        #expect(head.fields.count("x-two") == 2)
        #expect(head.fields.first("x-two").map { String(buffer: ByteBuffer($0)) } == "1")
        #expect(head.fields.texts.last == ["x-two", "2"])
        #expect(head.fields.first("x-three") == nil)
    }

    @Test("every method that is known is read, also in parts", arguments: RequestMethod.allCases)
    func methods(method: RequestMethod) throws {
        let text = Array("\(method.rawValue) / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
        let start = Text("\(method.rawValue) /")
        #expect(Reading(requests: text).messages.map(\.start) == [start])
        #expect(Reading(requests: text, cuts: [1]).messages.map(\.start) == [start])
    }

    @Test(
        "the path is taken out of every form of target",
        arguments: [
            ("GET /a", "/a", nil), ("GET /a?", "/a", ""), ("GET /a?b?c", "/a", "b?c"), ("GET //a", "//a", nil),
            ("OPTIONS *", "*", nil), ("GET http://x.y:8/a?b", "/a", "b"), ("GET HTTPS://x", "/", nil),
            ("GET http://[::1]:8?q", "/", "q"),
        ] as [(String, String, String?)])
    func targets(line: String, path: String, query: String?) throws {
        let head = try #require(try head("\(line) HTTP/1.1\r\nHost: other\r\n\r\n"))
        #expect(String(buffer: ByteBuffer(head.path)) == path)
        #expect(head.query.map { String(buffer: ByteBuffer($0)) } == query)
    }

    @Test("of an absolute target the host counts, not the field") func absolute() throws {
        let head = try #require(try head("GET http://x.y:8/a HTTP/1.1\r\nHost: other\r\n\r\n"))
        #expect(head.host.map { String(buffer: ByteBuffer($0)) } == "x.y:8")
    }

    @Test(
        "a target that could be read in two ways is refused",
        arguments: [
            "GET a HTTP/1.1", "GET * HTTP/1.1", "GET *a HTTP/1.1", "OPTIONS *a HTTP/1.1",
            "GET /a#b HTTP/1.1", "GET /?#b HTTP/1.1", "GET /\u{e9} HTTP/1.1", "GET /\u{1} HTTP/1.1",
            "GET ftp://x/ HTTP/1.1", "GET http:///a HTTP/1.1", "GET http://u@x/ HTTP/1.1", "GET http:/x HTTP/1.1",
            "GET x:80 HTTP/1.1",
        ])
    func badTargets(line: String) { #expect(refusal(line, "Host: h") == .target) }

    @Test(
        "what is no request line is told so",
        arguments: [
            ("GET / HTTP/1.1 ", .startLine), ("GET  / HTTP/1.1", .startLine), ("GET /", .startLine),
            ("GET / http/1.1", .startLine),
            ("GET / HTTP/11", .startLine), (" GET / HTTP/1.1", .startLine), ("GET\t/ HTTP/1.1", .startLine),
            ("G(T / HTTP/1.1", .startLine), ("GET / HTTP/1.1\t", .startLine), ("GET / HTTP/1.2", .version),
            ("GET / HTTP/2.0", .version), ("GET / HTTP/0.9", .version), ("BREW / HTTP/1.1", .method),
            ("get / HTTP/1.1", .method), ("CONNECT h:80 HTTP/1.1", .method), ("GETGETGETGET / HTTP/1.1", .method),
            ("PRI * HTTP/2.0", .otherProtocol), ("\u{16}\u{3}\u{1}", .otherProtocol),
        ] as [(String, FramingError.Reason)])
    func badLines(line: String, reason: FramingError.Reason) { #expect(refusal(line, "Host: h") == reason) }

    @Test("who speaks another protocol is told so before a line ends")
    func otherProtocols() {
        #expect(Reading(requests: [0x16, 0x03, 0x01, 0x02]).error == .otherProtocol)
        #expect(Reading(requests: Array("PRI * H".utf8)).error == .otherProtocol)
        #expect(Reading(requests: Array("HELO example.org".utf8)).error == .method)
        #expect(Reading(requests: [0x00]).error == .startLine)
        #expect(Reading(requests: [UInt8](repeating: 0x41, count: 40)).error == .startLine)
        #expect(Reading(requests: Array("DELET".utf8)).error == nil)
    }

    @Test(
        "a field line that could be read in two ways is refused",
        arguments: [
            "X : y", " X: y", "X: y\r\n z", ": y", "X", "X\u{e9}: y", "X: a\u{0}b", "X: \u{7f}", "X: a\rb", "X(: y",
            "X\t: y",
        ])
    func badFields(field: String) { #expect(refusal("GET / HTTP/1.1", "Host: h", field) == .fieldLine) }

    @Test("a bare line feed ends no line") func lineEnds() {
        for text in [
            "GET / HTTP/1.1\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\n",
        ] {
            #expect(Reading(requests: Array(text.utf8)).error == .lineEnd)
        }
    }

    @Test("HTTP/1.1 has one host") func hosts() {
        #expect(refusal() == .host)
        #expect(refusal("GET / HTTP/1.1", "Host: a", "Host: a") == .host)
        #expect(refusal("GET / HTTP/1.0", "Host: a", "Host: a") == .host)
        for bad in ["", "a b", "u@a", "a/b", "a,b", "a#b"] {
            #expect(refusal("GET / HTTP/1.1", "Host: \(bad)") == .host)
        }
        #expect(refusal("GET / HTTP/1.0") == nil)
        #expect(refusal("GET http://a/ HTTP/1.1") == .host)
    }

    @Test("a body has one length") func lengths() {
        for bad in ["", "+1", "-1", "0x1", "1, 1", "1 1", "1;", "9999999999999999999", "1\t"] {
            #expect(refusal("POST / HTTP/1.1", "Host: h", "Content-Length: \(bad)") == .contentLength, "\(bad)")
        }
        #expect(refusal("POST / HTTP/1.1", "Host: h", "Content-Length: 0", "Content-Length: 0") == .contentLength)
        let both = ["Content-Length: 0", "Transfer-Encoding: chunked"]
        #expect(refusal("POST / HTTP/1.1", "Host: h", both[0], both[1]) == .transferEncoding)
        #expect(refusal("POST / HTTP/1.1", "Host: h", both[1], both[0]) == .transferEncoding)
        #expect(refusal("POST / HTTP/1.1", "Host: h", both[1], both[1]) == .transferEncoding)
        #expect(refusal("POST / HTTP/1.0", "Host: h", both[1]) == .transferEncoding)
        for bad in ["gzip", "gzip, chunked", "chunked, chunked", "identity", "", "chunked;a", "chunked\t"] {
            #expect(refusal("POST / HTTP/1.1", "Host: h", "Transfer-Encoding: \(bad)") == .transferCoding, "\(bad)")
        }
    }

    @Test("the connection is kept when both sides know where the next request begins")
    func keepsAlive() throws {
        func keeps(_ version: String, _ fields: String...) throws -> Bool? {
            try head("GET / HTTP/\(version)\r\nHost: h\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")?.keepsAlive
        }
        #expect(try keeps("1.1") == true)
        #expect(try keeps("1.1", "Connection: close") == false)
        #expect(try keeps("1.1", "Connection: Keep-Alive,, Close") == false)
        #expect(try keeps("1.1", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c") == true)
        #expect(try keeps("1.1", "Connection: closed") == true)
        #expect(try keeps("1.0") == false)
        #expect(try keeps("1.0", "Connection: keep-alive") == true)
        #expect(try keeps("1.0", "Connection: keep-alive", "Connection: close") == false)
    }

    @Test("only who sends a body in HTTP/1.1 waits for 100") func expectations() throws {
        func expects(_ version: String, _ fields: String) throws -> Bool? {
            try head("POST / HTTP/\(version)\r\nHost: h\r\n\(fields)\r\n\r\n")?.expectsContinue
        }
        #expect(try expects("1.1", "Expect: 100-Continue\r\nContent-Length: 1") == true)
        #expect(try expects("1.1", "Expect: 100-continue\r\nTransfer-Encoding: chunked") == true)
        #expect(try expects("1.1", "Expect: 100-continue\r\nContent-Length: 0") == false)
        #expect(try expects("1.1", "Expect: 100-continue") == false)
        #expect(try expects("1.1", "Expect:\r\nContent-Length: 1") == false)
        #expect(try expects("1.0", "Expect: 100-continue\r\nContent-Length: 1") == false)
        #expect(refusal("POST / HTTP/1.1", "Host: h", "Expect: 200-ok") == .expectation)
        #expect(refusal("POST / HTTP/1.0", "Expect: 200-ok") == nil)
    }

    @Test("a head has its bounds, whole or not") func bounds() {
        let bounds = HeadBounds(headBytes: 200, targetBytes: 20, fields: 4)
        let target = String(repeating: "x", count: 20)
        #expect(refusal("GET /\(target.dropLast()) HTTP/1.1", "Host: h", bounds: bounds) == nil)
        #expect(refusal("GET /\(target) HTTP/1.1", "Host: h", bounds: bounds) == .targetTooLong)
        #expect(
            Reading(requests: Array("GET /\(target)\(target)\(target)".utf8), bounds: bounds).error == .targetTooLong)
        #expect(refusal("GET / HTTP/1.1", "Host: h", "a: b", "a: b", "a: b", bounds: bounds) == nil)
        #expect(refusal("GET / HTTP/1.1", "Host: h", "a: b", "a: b", "a: b", "a: b", bounds: bounds) == .headTooLarge)
        let fixed = "GET / HTTP/1.1\r\nHost: h\r\na: \r\n\r\n".utf8.count
        let value = String(repeating: "y", count: 200 - fixed)
        #expect(refusal("GET / HTTP/1.1", "Host: h", "a: \(value)", bounds: bounds) == nil)
        #expect(refusal("GET / HTTP/1.1", "Host: h", "a: \(value)y", bounds: bounds) == .headTooLarge)
        let open = "GET / HTTP/1.1\r\nHost: h\r\na: \(value)yyyyy"
        #expect(Reading(requests: Array(open.utf8), bounds: bounds).error == .headTooLarge)
    }

    @Test("after the last request nothing is read, and an error stays") func ends() throws {
        let one = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        let reading = Reading(requests: Array((one + one).utf8))
        #expect(reading.messages.count == 1)
        #expect(reading.rest == one.utf8.count)
        #expect(reading.isOver)

        var reader = RequestReader()
        var bytes = ByteBuffer(string: "\r\n\r\n")
        #expect(throws: FramingError(.startLine)) { try reader.next(from: &bytes) }
        bytes = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(throws: FramingError(.startLine)) { try reader.next(from: &bytes) }
    }
}
