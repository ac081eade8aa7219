import NIOCore
import Testing

@testable import Line

@Suite("The line on a channel")
struct LineTests {
    @Test("a whole answer goes out as one head and its body") func whole() throws {
        let talk = try Conversation()
        try talk.say(.get)
        talk.host.served[0].answer("hello")
        let heard = try talk.hear()
        #expect(heard.hasPrefix("HTTP/1.1 200 OK\r\n") && heard.hasSuffix("\r\n\r\nhello"))
        #expect(heard.contains("\r\nContent-Length: 5\r\n") && heard.contains("\r\nDate: "))
        #expect(!heard.contains("Connection:"))
        #expect(talk.isOpen)
    }

    @Test("an answer of unknown length goes out in chunks, and to HTTP/1.0 up to the end") func stream() throws {
        for (head, expected) in [
            (String.get, "\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"), ("GET /a HTTP/1.0\r\n\r\n", "\r\n\r\nabc"),
        ] {
            let talk = try Conversation()
            try talk.say(head)
            let line = talk.host.served[0].line
            line.answer(AnswerHead(status: 200, length: nil), ByteBuffer(string: "a"), isWhole: false)
            line.write(ByteBuffer())
            line.write(ByteBuffer(string: "bc"))
            line.end()
            let heard = try talk.hear()
            #expect(heard.hasSuffix(expected))
            #expect(talk.isOpen == (head == .get))
        }
    }

    @Test("large pieces are passed on as they are", arguments: [2048, 2049, 100_000]) func large(count: Int) throws {
        let body = String(repeating: "x", count: count)
        let talk = try Conversation()
        try talk.say(.get + .get)
        talk.host.served[0].answer(body)
        let said1 = try talk.hear()
        #expect(said1.hasSuffix("\r\n\r\n" + body))
        let line = talk.host.served[1].line
        line.answer(AnswerHead(status: 200, length: nil), ByteBuffer(string: body), isWhole: false)
        line.end()
        let said2 = try talk.hear()
        #expect(said2.hasSuffix("\r\n\r\n" + String(count, radix: 16) + "\r\n" + body + "\r\n0\r\n\r\n"))
    }

    @Test("who waits for 100 gets it when the body is wanted") func waitsForContinue() throws {
        let talk = try Conversation()
        try talk.say(.post(3, more: "Expect: 100-continue\r\n"))
        let said3 = try talk.hear()
        #expect(said3 == "")
        talk.host.served[0].line.sendContinue()
        let said4 = try talk.hear()
        #expect(said4 == "HTTP/1.1 100 Continue\r\n\r\n")
        try talk.say("abc")
        #expect(talk.host.served[0].heard == ["body 3", "whole"])
    }

    @Test("what can't be read is refused in both shapes, and that is the end") func refused() throws {
        let talk = try Conversation()
        try talk.say("GET /a HTTP/1.1\r\n\r\n")
        let heard = try talk.hear()
        #expect(heard.hasPrefix("HTTP/1.1 400 ") && heard.contains("\r\nConnection: close\r\n"))
        #expect(heard.contains(#""code":"malformed_request""#) && heard.contains(#""error":{"#))
        #expect(heard.contains("\r\nX-Request-Id: ") && heard.contains("\r\nX-Content-Type-Options: nosniff\r\n"))
        #expect(talk.host.served.isEmpty && !talk.isOpen)
    }

    @Test("bad framing in a body is answered by the line, and the exchange has lost its caller") func badBody() throws {
        let talk = try Conversation()
        try talk.say("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n")
        let said5 = try talk.hear()
        #expect(said5.hasPrefix("HTTP/1.1 400 "))
        #expect(talk.host.served[0].heard == ["body 1", "left"])
    }

    @Test("an answer that breaks off has no end", arguments: [nil, 10]) func aborted(length: Int?) throws {
        let talk = try Conversation()
        try talk.say(.get)
        let line = talk.host.served[0].line
        line.answer(AnswerHead(status: 200, length: length), ByteBuffer(string: "a"), isWhole: false)
        line.abort()
        let heard = try talk.hear()
        #expect(heard.hasSuffix("a") || heard.hasSuffix("a\r\n"))
        #expect(!talk.isOpen)
        #expect(talk.host.served[0].heard == ["whole"])
    }

    @Test("an answer that is longer or shorter than its head says breaks off") func wrongLength() throws {
        for body in ["ab", "abcdef"] {
            let talk = try Conversation()
            try talk.say(.get)
            let line = talk.host.served[0].line
            line.answer(AnswerHead(status: 200, length: 4), ByteBuffer(string: "a"), isWhole: false)
            line.write(ByteBuffer(string: body))
            line.end()
            #expect(!talk.isOpen)
        }
    }

    @Test("who serves is told when the caller leaves, once, and not after the answer") func left() throws {
        let talk = try Conversation()
        try talk.say(.get)
        talk.leave()
        #expect(talk.host.served[0].heard == ["whole", "left"])
        let other = try Conversation()
        try other.say(.get)
        other.host.served[0].answer("x")
        other.leave()
        #expect(other.host.served[0].heard == ["whole"])
    }

    @Test("a caller who closes its half is gone for who says so, and is answered by others") func halfClosed() throws {
        for isLeft in [true, false] {
            let talk = try Conversation()
            try talk.say(.get)
            talk.host.served[0].isLeftByHalfClose = isLeft
            talk.happen(ChannelEvent.inputClosed)
            #expect(talk.isOpen != isLeft)
            if !isLeft {
                talk.host.served[0].answer("hello")
                let said6 = try talk.hear()
                #expect(said6.hasSuffix("hello"))
                #expect(!talk.isOpen)
            }
        }
    }

    @Test("an idle connection ends by the tick, and no tick is left behind") func ticks() throws {
        let talk = try Conversation()
        talk.pass(70)
        #expect(talk.isOpen)
        talk.pass(10)
        #expect(!talk.isOpen)
    }

    @Test("pipelined messages have their turns one by one") func pipelined() throws {
        let talk = try Conversation()
        try talk.say(.get + .get + .get)
        for number in 1...3 {
            #expect(talk.host.served.count == number)
            talk.host.served[number - 1].answer("x")
            // The next one waits for its turn.
            #expect(talk.host.served.count == number)
            _ = try talk.hear()
        }
        #expect(talk.host.served.count == 3)
    }

    @Test("a server that stops ends idle connections, and others after their answer") func quiesce() throws {
        let idle = try Conversation()
        idle.happen(ChannelShouldQuiesceEvent())
        #expect(!idle.isOpen)
        let talk = try Conversation()
        try talk.say(.get)
        talk.happen(ChannelShouldQuiesceEvent())
        #expect(talk.isOpen)
        talk.host.served[0].answer("hello")
        let said7 = try talk.hear()
        #expect(said7.contains("\r\nConnection: close\r\n"))
        #expect(!talk.isOpen)
    }
}
