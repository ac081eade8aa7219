import NIOCore
import Testing

@testable import Wire

@Suite("Heads that are written")
struct HeadWriterTests {
    @Test("an answer's head") func answer() throws {
        let block = try FieldBlock { (writer) throws(UnwritableField) in writer.field("server", "latchkey") }
        var head = HeadWriter(answer: 200)
        head.fields(block)
        head.field("content-length", number: 1_234_567_890)
        head.field("age", number: 0)
        try head.field("x-text", text: "caf\u{e9}")
        try head.field("x-view", bytes: ByteBuffer(string: "a\tb").readableBytesView)
        try head.field("x-none", text: "")
        #expect(
            String(buffer: head.finish())
                == "HTTP/1.1 200 OK\r\nserver: latchkey\r\ncontent-length: 1234567890\r\nage: 0\r\nx-text: caf\u{e9}\r\n"
                + "x-view: a\tb\r\nx-none: \r\n\r\n")
        #expect(String(buffer: HeadWriter(answer: 299).finish()) == "HTTP/1.1 299 \r\n\r\n")
    }

    @Test("a request's head, copied from another") func request() throws {
        var reader = RequestReader()
        var bytes = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: h\r\nX-A:  b \r\n\r\n")
        guard case .head(let other)? = try reader.next(from: &bytes) else {
            Issue.record("there is no head")
            return
        }
        var head = try HeadWriter(request: .post, target: "/v1/x?y")
        other.fields.forEachBytes { name, value in
            #expect(throws: Never.self) { try head.field(named: name, bytes: value) }
        }
        #expect(String(buffer: head.finish()) == "POST /v1/x?y HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n")
    }

    @Test("every status line is one") func statusLines() throws {
        for status in 100...599 {
            var line = HeadWriter(answer: status).finish()
            line.moveWriterIndex(to: line.writerIndex - 4)
            let read = try line.withBytes { bytes throws(FramingError) in try StatusLine(bytes) }
            #expect(read.status == status)
        }
    }

    @Test(
        "no value becomes another field",
        arguments: ["a\r\nb: c", "a\rb", "a\nb", "a\u{0}", "\u{7f}", " a", "a ", "\ta", "\r", "\n"])
    func values(value: String) throws {
        var head = HeadWriter(answer: 200)
        #expect(throws: UnwritableField.self) { try head.field("x", text: value) }
        #expect(throws: UnwritableField.self) {
            try head.field("x", bytes: ByteBuffer(string: value).readableBytesView)
        }
        ByteBuffer(string: value).withUnsafeReadableBytes { bytes in
            #expect(throws: UnwritableField.self) { try head.field("x", bytes: bytes) }
            #expect(throws: UnwritableField.self) {
                try head.field(named: bytes, bytes: UnsafeRawBufferPointer(rebasing: bytes[..<0]))
            }
        }
        #expect(String(buffer: head.finish()) == "HTTP/1.1 200 OK\r\n\r\n")
    }

    @Test("no target becomes another line", arguments: ["", "/a b", "/\r\n", "/\u{e9}", "/\u{7f}", "/aaaaaaa bbbbbbb"])
    func targets(target: String) {
        #expect(throws: UnwritableField.self) { try HeadWriter(request: .get, target: target) }
    }
}
