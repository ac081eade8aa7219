import NIOCore
import Testing

@testable import Line

@Suite("The time of a connection")
struct LineTimeTests {
    @Test("a connection without a request ends, one between requests a while after the last") func idle() {
        var talk = Talk()
        #expect(talk.pass(74) == [])
        #expect(talk.hear(.get) == ["begin GET /a", "whole"])
        #expect(talk.answer() == [])
        #expect(talk.pass(74) == [])
        #expect(talk.pass(2) == ["close"])
    }

    @Test("a head that never ends is told so, however steadily it drips") func slowHead() {
        var talk = Talk()
        #expect(talk.hear("GET /a HTTP/1.1\r\nHost: x\r\n") == [])
        let steps = talk.pass(80) { _ = $0.hear("a: b\r\n") }
        #expect(steps == ["refuse 408"])
    }

    @Test("an answer may take as long as it takes") func slowAnswer() {
        var talk = Talk()
        _ = talk.hear(.post(3, "abc"))
        #expect(talk.pass(3600) == [])
    }

    @Test("a slow but steady body is taken") func steady() {
        var talk = Talk()
        #expect(talk.hear(.post(3_000_000)) == ["begin POST /b"])
        let steps1 = talk.pass(90) { _ = $0.hear(String(repeating: "x", count: 2000)) }
        #expect(steps1 == [])
    }

    @Test("a body that stops is told so") func silent() {
        var talk = Talk()
        _ = talk.hear(.post(1000, String(repeating: "x", count: 999)))
        #expect(talk.pass(59) == [])
        #expect(talk.pass(2) == ["refuse 408"])
    }

    @Test("a body that only drips is told so") func drip() {
        var talk = Talk()
        _ = talk.hear(.post(100_000))
        let steps2 = talk.pass(60) { _ = $0.hear("x") }
        #expect(steps2 == [])
        let steps3 = talk.pass(5) { _ = $0.hear("x") }
        #expect(steps3 == ["refuse 408"])
    }

    @Test("time in which nobody takes a body, or waits for 100, is not the caller's") func notTheirs() {
        var talk = Talk()
        _ = talk.hear(.post(100_000))
        talk.state.pause()
        #expect(talk.pass(600) == [])
        talk.state.resume()
        #expect(talk.pass(59) == [])
        #expect(talk.pass(2) == ["refuse 408"])
        talk = Talk()
        _ = talk.hear(.post(100_000, more: "Expect: 100-continue\r\n"))
        #expect(talk.pass(600) == [])
    }

    @Test("after an answer has begun there is no place for another") func inTheMiddle() {
        var talk = Talk()
        _ = talk.hear(.post(1000))
        _ = talk.state.begin(answer: 200, length: 5)
        #expect(talk.pass(61) == ["close"])
    }

    @Test("a caller who takes nothing for a minute is let go") func stalled() {
        var talk = Talk()
        _ = talk.hear(.get)
        talk.isWritable = false
        #expect(talk.pass(50) == [])
        talk.isWritable = true
        #expect(talk.pass(120) == [])
        talk.isWritable = false
        #expect(talk.pass(59) == [])
        // Something was taken between two ticks.
        talk.state.becameWritable()
        #expect(talk.pass(59) == [])
        #expect(talk.pass(2) == ["close"])
    }

    @Test("after the last answer the caller's end is waited for, but not for long") func lingering() {
        var talk = Talk()
        _ = talk.hear("NO\r\n\r\n")
        #expect(talk.state.flushed() == true)
        #expect(talk.pass(4) == [])
        #expect(talk.pass(2) == ["close"])
        talk = Talk()
        _ = talk.hear("NO\r\n\r\n")
        #expect(talk.state.flushed() == true)
        let steps4 = talk.pass(29) { _ = $0.hear("x") }
        #expect(steps4 == [])
        let steps5 = talk.pass(2) { _ = $0.hear("x") }
        #expect(steps5 == ["close"])
        talk = Talk()
        _ = talk.hear("NO\r\n\r\n")
        #expect(talk.state.flushed() == true)
        talk.state.inputEnded()
        #expect(talk.steps() == ["close"])
    }

    @Test("a last answer that is never taken ends too") func unflushed() {
        var talk = Talk()
        _ = talk.hear("NO\r\n\r\n")
        #expect(talk.pass(59) == [])
        #expect(talk.pass(2) == ["close"])
    }
}
