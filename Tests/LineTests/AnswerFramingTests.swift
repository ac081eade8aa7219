import Testing

@testable import Line

@Suite("The framing of answers")
struct AnswerFramingTests {
    private func framing(_ head: String, _ length: Int?, status: Int = 200) -> AnswerFraming? {
        var talk = Talk()
        _ = talk.hear(head + "\r\n\r\n")
        return talk.state.begin(answer: status, length: length)
    }

    private func framing(_ flow: BodyFlow, _ length: Int?, _ connection: AnswerFraming.Connection) -> AnswerFraming {
        AnswerFraming(flow: flow, length: length, connection: connection)
    }

    @Test("HTTP/1.1: by length or in chunks, and the connection stays") func http11() {
        let head = "GET / HTTP/1.1\r\nHost: x"
        #expect(framing(head, 5) == framing(.length(5), 5, .unsaid))
        #expect(framing(head, nil) == framing(.chunked, nil, .unsaid))
        #expect(framing(head + "\r\nConnection: close", 5) == framing(.length(5), 5, .close))
    }

    @Test("HTTP/1.0: no chunks, and it stays only when that was asked") func http10() {
        let head = "GET / HTTP/1.0"
        #expect(framing(head, 5) == framing(.length(5), 5, .close))
        #expect(framing(head, nil) == framing(.untilClose, nil, .close))
        let kept = head + "\r\nConnection: keep-alive"
        #expect(framing(kept, 5) == framing(.length(5), 5, .keepAlive))
        #expect(framing(kept, nil) == framing(.untilClose, nil, .close))
    }

    @Test("no body after HEAD, 204 and 304") func bodyless() {
        #expect(framing("HEAD / HTTP/1.1\r\nHost: x", 5) == framing(.bodyless, 5, .unsaid))
        #expect(framing("HEAD / HTTP/1.1\r\nHost: x", nil) == framing(.bodyless, nil, .unsaid))
        let get = "GET / HTTP/1.1\r\nHost: x"
        #expect(framing(get, 0, status: 204) == framing(.bodyless, nil, .unsaid))
        #expect(framing(get, 7, status: 304) == framing(.bodyless, 7, .unsaid))
    }

    @Test("an offer of another protocol is not taken up") func upgrade() {
        var talk = Talk()
        let offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
        let head = "GET /a HTTP/1.1\r\nHost: x\r\n" + offer + "\r\n"
        #expect(talk.hear(head + .get) == ["begin GET /a", "whole"])
        #expect(talk.answer() == ["begin GET /a", "whole"])
    }

    @Test("no more and no less than the head says is written") func length() {
        var talk = Talk()
        _ = talk.hear(.get)
        #expect(talk.state.write(1) == nil)
        _ = talk.state.begin(answer: 200, length: 5)
        #expect(talk.state.begin(answer: 200, length: 5) == nil)
        #expect(talk.state.write(3) == .length(5))
        #expect(talk.state.end() == nil)
        #expect(talk.state.write(3) == nil)
        #expect(talk.state.write(2) == .length(2))
        #expect(talk.state.end() == .length(0))
        #expect(talk.state.write(0) == nil)
    }

    @Test("100 Continue comes once, to who waits for it") func waitsForContinue() {
        var talk = Talk()
        _ = talk.hear(.get)
        #expect(talk.state.takeContinue() == false)
        talk = Talk()
        _ = talk.hear(.post(5, more: "Expect: 100-continue\r\n"))
        #expect(talk.state.takeContinue() == true)
        #expect(talk.state.takeContinue() == false)
        #expect(talk.hear("abcde") == ["deliver 5", "whole"])
        #expect(talk.answer() == [])
        talk = Talk()
        _ = talk.hear(.post(5, "a", more: "Expect: 100-continue\r\n"))
        #expect(talk.state.takeContinue() == false)
    }

    @Test("a refusal instead of 100 ends the connection: nobody can know whether a body follows") func refused() {
        var talk = Talk()
        _ = talk.hear(.post(5, more: "Expect: 100-continue\r\n"))
        let framing1 = talk.state.begin(answer: 401, length: 0)
        #expect(framing1?.connection == .close)
        talk = Talk()
        _ = talk.hear(.post(5, "a", more: "Expect: 100-continue\r\n"))
        let framing2 = talk.state.begin(answer: 401, length: 0)
        #expect(framing2?.connection == .unsaid)
    }
}
