import NIOCore
import Testing
import Values

@testable import Wire

@Suite("Answers that are read")
struct ResponseReaderTests {
    private func read(_ text: String, to method: RequestMethod = .post) -> Reading {
        Reading(answer: Array(text.utf8), to: method)
    }

    private func head(_ text: String, to method: RequestMethod = .post) throws(FramingError) -> ResponseHead? {
        var reader = ResponseReader(to: method)
        var bytes = ByteBuffer(string: text)
        guard case .head(let head)? = try reader.next(from: &bytes) else { return nil }
        return head
    }

    @Test(
        "a status line that is none is refused",
        arguments: [
            "HTTP/1.1 000 X", "HTTP/1.1 099 X", "HTTP/1.1 600 X", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK",
            "HTTP/1.1 2x0 OK",
            "HTTP/1.1  200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 -20", "http/1.1 200 OK",
            "ICY 200 OK", "<html>", "HTTP/11 200 OK", "\u{16}\u{3}\u{1}", "HTTP/1.1 200 a\u{0}b",
        ])
    func badStatusLines(line: String) { #expect(read(line + "\r\n\r\n").error == .statusLine) }

    @Test("another version is refused, and what can't become a status line at once") func versions() {
        #expect(read("HTTP/2.0 200 OK\r\n\r\n").error == .version)
        #expect(read("HTTP/1.2 200 OK\r\n\r\n").error == .version)
        var reader = ResponseReader(to: .get)
        var bytes = ByteBuffer(string: "HTX")
        #expect(throws: FramingError(.statusLine)) { try reader.next(from: &bytes) }
    }

    @Test("the phrase may be missing, with its blank too", arguments: ["200", "200 ", "200 OK", "200 Caf\u{e9}"])
    func phrases(status: String) throws {
        let head = try #require(try head("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n"))
        #expect(head.status == 200)
        #expect(head.framing == .length(0))
        #expect(head.keepsAlive)
    }

    @Test("interim answers are passed over, a few of them") func interims() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        let final = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
        let reading = read(interim + final)
        #expect(reading.messages.map(\.start) == ["200"])
        #expect(reading.messages.first?.fields.count == 1)
        #expect(read(String(repeating: interim, count: 4) + final).messages.count == 1)
        #expect(read(String(repeating: interim, count: 5) + final).error == .interimAnswer)
        for bad in ["101 X\r\n", "100 X\r\nContent-Length: 0\r\n", "100 X\r\nConnection: close\r\n"] {
            #expect(read("HTTP/1.1 \(bad)\r\n" + final).error == .interimAnswer)
        }
    }

    @Test("what has no body has none, whatever it says") func noBody() throws {
        let fields = "\r\nContent-Length: 5\r\n\r\n"
        #expect(try head("HTTP/1.1 200 OK" + fields, to: .head)?.framing == BodyFraming.none)
        #expect(try head("HTTP/1.1 304 OK" + fields)?.framing == BodyFraming.none)
        #expect(try head("HTTP/1.1 304 OK" + fields)?.keepsAlive == true)
        let empty = try #require(try head("HTTP/1.1 204 OK" + fields))
        #expect(empty.framing == .none)
        #expect(!empty.keepsAlive)
        #expect(try head("HTTP/1.1 204 OK\r\nContent-Length: 0\r\n\r\n")?.keepsAlive == true)
        #expect(read("HTTP/1.1 204 OK\r\n\r\n").messages.first?.isWhole == true)
    }

    @Test("an answer without a length ends with its connection") func untilClose() throws {
        let reading = read("HTTP/1.1 200 OK\r\n\r\nabc")
        #expect(reading.messages.first?.body == Array("abc".utf8))
        #expect(reading.messages.first?.isWhole == true)
        #expect(try head("HTTP/1.1 200 OK\r\n\r\n")?.keepsAlive == false)
        #expect(try head("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n")?.keepsAlive == false)
        #expect(try head("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")?.keepsAlive == false)
        #expect(try head("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")?.keepsAlive == true)
    }

    @Test(
        "an answer that isn't whole never looks whole",
        arguments: [
            "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\n\r", "HTTP/1.1 100 C\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        ])
    func cutShort(text: String) {
        let reading = read(text)
        #expect(reading.error == .cutShort)
        #expect(reading.messages.allSatisfy { !$0.isWhole })
    }

    @Test("what comes behind the end is nobody's") func behind() throws {
        var reader = ResponseReader(to: .get)
        var bytes = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n")
        var events = 0
        while try reader.next(from: &bytes) != nil { events += 1 }
        #expect(events == 3)
        #expect(reader.isOver)
        #expect(bytes.readableBytes == 19)
        #expect(try reader.endOfInput() == nil)
    }

    @Test("both lengths, or an unknown coding, are refused") func lengths() {
        let fields = [
            "Content-Length: 1\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 1",
        ]
        for both in fields { #expect(read("HTTP/1.1 200 OK\r\n\(both)\r\n\r\n").error == .transferEncoding) }
        #expect(read("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").error == .transferEncoding)
        #expect(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n").error == .transferCoding)
        #expect(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n").error == .contentLength)
        #expect(read("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n").error == .fieldLine)
    }
}
