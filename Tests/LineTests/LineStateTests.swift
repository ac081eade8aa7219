import NIOCore
import Testing

@testable import Line

@Suite("Messages of a connection, one at a time")
struct LineStateTests {
    @Test("a message is begun, taken whole, answered, and the next one follows") func inTurn() {
        var talk = Talk()
        #expect(talk.hear(.post(3, "abc")) == ["begin POST /b", "deliver 3", "whole"])
        #expect(talk.hear(.get) == [])
        #expect(talk.answer() == ["begin GET /a", "whole"])
        #expect(talk.answer() == [])
        #expect(talk.state.phase == .waiting)
        #expect(talk.answer() == ["not owed"])
    }

    @Test("wherever the bytes are cut, the same messages come of them") func cuts() {
        let bytes = String.get + .post(3, "abc") + .get
        for cut in 1..<bytes.utf8.count {
            var talk = Talk()
            var heard = talk.hear(String(bytes.prefix(cut)))
            heard += talk.hear(String(bytes.dropFirst(cut)))
            heard += talk.answer() + talk.answer() + talk.answer()
            let body = heard.filter { $0.hasPrefix("deliver") }.compactMap { Int($0.dropFirst(8)) }.reduce(0, +)
            #expect(body == 3)
            #expect(heard.filter { $0.hasPrefix("begin") } == ["begin GET /a", "begin POST /b", "begin GET /a"])
        }
    }

    @Test("no message is begun while an answer was not taken") func unflushed() {
        var talk = Talk()
        _ = talk.hear(.get)
        talk.isWritable = false
        #expect(talk.answer() == [])
        #expect(talk.hear(.get) == [])
        talk.isWritable = true
        #expect(talk.steps() == ["begin GET /a", "whole"])
    }

    @Test("only as many messages are begun as there are turns") func turns() {
        var talk = Talk()
        talk.turns = 1
        #expect(talk.hear(.get + .get + "GET") == ["begin GET /a", "whole"])
        talk.turns = 0
        #expect(talk.answer() == [])
        #expect(talk.state.wantsTurn(isWritable: true) && !talk.state.wantsTurn(isWritable: false))
        talk.turns = 1
        #expect(talk.steps() == ["begin GET /a", "whole"])
        #expect(talk.answer() == [])
        // A part of a head is no message, and waits for bytes, not for a turn.
        #expect(!talk.state.wantsTurn(isWritable: true))
        talk.state.inputEnded()
        #expect(talk.steps() == ["finish"])
    }

    @Test("what is pipelined is kept up to a bound, and not read beyond it") func pipelined() {
        var talk = Talk { $0.pipelined = 100 }
        _ = talk.hear(.get)
        #expect(talk.wantsBytes)
        for _ in 0..<4 { _ = talk.hear(.get) }
        #expect(!talk.wantsBytes)
        // What the kernel gives out all the same, at the end of a connection, is dropped, and the connection with it.
        for _ in 0..<1000 { _ = talk.hear(.get) }
        var served = 0
        while talk.answer() == ["begin GET /a", "whole"] { served += 1 }
        #expect(served == 4)
        #expect(talk.state.phase == .flushing)
    }

    @Test("a message that can't be read is refused after those before it are answered") func bad() {
        var talk = Talk()
        #expect(talk.hear(.get + "NO\r\n\r\n") == ["begin GET /a", "whole"])
        #expect(talk.answer() == ["refuse 400"])
        #expect(talk.state.phase == .flushing)
        #expect(talk.hear(.get) == [])
    }

    @Test("bad framing in a body is refused, but not into an answer that has begun") func badBody() {
        let head = "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        var talk = Talk()
        #expect(talk.hear(head + "3\r\nabc\r\nzz\r\n") == ["begin POST /b", "deliver 3", "refuse 400"])
        talk = Talk()
        #expect(talk.hear(head + "3\r\nabc\r\n") == ["begin POST /b", "deliver 3"])
        #expect(talk.state.begin(answer: 200, length: 5) != nil)
        #expect(talk.hear("zz\r\n") == ["close"])
    }

    @Test("after an early answer the rest of the body is dropped, up to a bound") func drained() {
        var talk = Talk { $0.drained = 100 }
        #expect(talk.hear(.post(50, "abc")) == ["begin POST /b", "deliver 3"])
        #expect(talk.answer(413) == [])
        #expect(talk.hear(String(repeating: "x", count: 47) + .get) == ["begin GET /a", "whole"])
        talk = Talk { $0.drained = 100 }
        #expect(talk.hear("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n") == ["begin POST /b"])
        #expect(talk.answer(413) == [])
        #expect(talk.hear("40\r\n" + String(repeating: "x", count: 64) + "\r\n") == [])
        #expect(talk.hear("40\r\n" + String(repeating: "x", count: 64) + "\r\n") == ["close"])
    }

    @Test("a body that is longer than would be dropped ends the connection with its early answer") func tooLong() {
        var talk = Talk { $0.drained = 100 }
        _ = talk.hear(.post(200, "abc"))
        let framing1 = talk.state.begin(answer: 413, length: 0)
        #expect(framing1?.connection == .close)
        #expect(talk.state.end() != nil)
        #expect(talk.steps() == ["finish"])
        #expect(talk.state.flushed() == true)
        #expect(talk.state.phase == .lingering)
        #expect(talk.wantsBytes)
        #expect(talk.hear(String(repeating: "x", count: 150)) == ["close"])
    }

    @Test("a body is not read while nobody takes it") func paused() {
        var talk = Talk { $0.held = 100 }
        #expect(talk.hear(.post(1000, "abc")) == ["begin POST /b", "deliver 3"])
        talk.state.pause()
        #expect(!talk.wantsBytes)
        #expect(talk.hear("def") == [])
        talk.state.resume()
        #expect(talk.steps() == ["deliver 3"])
        talk.state.pause()
        for _ in 0..<100 { _ = talk.hear(String(repeating: "x", count: 50)) }
        talk.state.resume()
        #expect(talk.steps() == ["deliver 100", "close"])
    }

    @Test("a caller who has closed its half is still answered, if that is wanted") func halfClosed() {
        var talk = Talk()
        _ = talk.hear(.get + .get)
        talk.state.inputEnded()
        #expect(talk.steps() == ["half"])
        #expect(talk.steps() == [])
        #expect(talk.answer() == ["begin GET /a", "whole", "half"])
        #expect(talk.answer() == ["finish"])
        #expect(talk.state.flushed() == false)
        #expect(talk.state.phase == .over)
    }

    @Test("what a caller has not sent to its end is never whole") func cutShort() {
        var talk = Talk()
        _ = talk.hear(.post(10, "abc"))
        talk.state.inputEnded()
        #expect(talk.steps() == ["close"])
        talk = Talk()
        _ = talk.hear("GET /a HTT")
        talk.state.inputEnded()
        #expect(talk.steps() == ["finish"])
    }

    @Test("a server that stops answers what is under way and says that it closes") func quiesce() {
        var talk = Talk()
        talk.state.quiesce()
        #expect(talk.steps() == ["finish"])
        talk = Talk()
        _ = talk.hear(.get + .get)
        talk.state.quiesce()
        let framing2 = talk.state.begin(answer: 200, length: 0)
        #expect(framing2?.connection == .close)
        #expect(talk.state.end() != nil)
        #expect(talk.steps() == ["finish"])
    }
}
