import NIOCore
import Testing

@testable import Wire

@Suite("Bodies")
struct BodyTests {
    private func chunked(_ body: String) -> Reading {
        Reading(requests: Array(("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body).utf8))
    }

    @Test("chunks are put together, extensions and trailer fields dropped") func chunks() {
        let reading = chunked("3;a=b;c=\"d e\";f\r\nabc\r\n00A\r\n0123456789\r\n0;z\r\nX-Sum: 1\r\n\r\n")
        #expect(reading.messages.map(\.body) == [Array("abc0123456789".utf8)])
        #expect(reading.messages.first?.isWhole == true)
        #expect(reading.messages.first?.fields.count == 2)
        #expect(reading.rest == 0)
    }

    @Test(
        "a chunk that could be read in two ways is refused, and what came before it is kept",
        arguments: [
            "x", "-1\r\n", "0x3\r\nabc", " 3\r\nabc", "3 \r\nabc", "3\nabc", "3\r\rabc", "\r\n", "123456789\r\n",
            "3;\r\n",
            "3; a\r\n", "3;a=\r\n", "3;a=\"b\\\"\"\r\n", "3;a=\"b\nc\"\r\n", "3;a=b c\r\n", "2\r\nabc", "2\r\nab\n",
            "2\r\nab\rx",
        ])
    func badChunks(body: String) {
        let reading = chunked("1\r\nz\r\n" + body)
        #expect(reading.error == .chunk)
        #expect(reading.messages.first?.body.first == UInt8(ascii: "z"))
        #expect(reading.messages.first?.isWhole == false)
    }

    @Test("extensions and trailer fields have bounds") func bounds() {
        let long = ";a=" + String(repeating: "b", count: 200)
        #expect(chunked("1\(long)\r\nz\r\n0\r\n\r\n").error == nil)
        #expect(chunked("1\(long)bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb").error == .trailerTooLarge)
        let many = String(repeating: "1\(long)\r\nz\r\n", count: 30)
        #expect(chunked(many).error == .trailerTooLarge)
        #expect(chunked("0\r\n" + String(repeating: "a: b\r\n", count: 100) + "\r\n").error == nil)
        #expect(chunked("0\r\n" + String(repeating: "a: b\r\n", count: 101) + "\r\n").error == .trailerTooLarge)
        #expect(chunked("0\r\na: " + String(repeating: "b", count: 8192)).error == .trailerTooLarge)
    }

    @Test(
        "a trailer field can't change what the head said",
        arguments: [
            "Content-Length: 3", "Transfer-Encoding: chunked", "Host: x", "Connection: close", "Expect: 100-continue",
            " folded", "X : y",
        ])
    func trailers(field: String) {
        #expect(chunked("0\r\n\(field)\r\n\r\n").error == .fieldLine)
    }

    @Test("bytes are passed on as they come, as slices of what was received") func slices() throws {
        var reader = RequestReader()
        var bytes = ByteBuffer(string: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nab")
        guard case .head? = try reader.next(from: &bytes), case .body(let first)? = try reader.next(from: &bytes) else {
            Issue.record("there is no head and body")
            return
        }
        #expect(String(buffer: first) == "ab")
        #expect(try reader.next(from: &bytes) == nil)
        #expect(reader.isInsideMessage)
        bytes.writeString("cdefGET")
        guard case .body(let second)? = try reader.next(from: &bytes), case .end? = try reader.next(from: &bytes) else {
            Issue.record("the body has no end")
            return
        }
        #expect(String(buffer: second) == "cdef")
        #expect(!reader.isInsideMessage)
        #expect(try reader.next(from: &bytes) == nil)
        #expect(bytes.readableBytes == 3)
    }
}
