import NIOCore
import Testing

@testable import Gateway

@Suite("Whether an answer is a stream")
struct AnswerFormTests {
    private func form(_ label: String?, _ beginning: String, asked: Bool = true, hasEnded: Bool = false) -> AnswerForm?
    {
        AnswerForm(
            label: label, isStreamAsked: asked, beginning: ByteBuffer(string: beginning), hasEnded: hasEnded)
    }

    @Test("the label of an event stream is believed, whatever was asked for") func labelled() {
        for label in ["text/event-stream", "Text/Event-Stream; charset=utf-8"] {
            #expect(form(label, "", asked: false) == .stream)
            #expect(form(label, "{") == .stream)
        }
    }

    @Test("without a stream asked for, all else is one text") func plain() {
        for label in ["application/json", "text/html", "text/event", "", nil] {
            #expect(form(label, "data: x", asked: false) == .whole)
        }
    }

    @Test("with a stream asked for, the first byte tells", arguments: ["application/json", "text/plain", nil])
    func asked(label: String?) {
        for beginning in ["d", "data: {}", ": ping", "event: x", "\n\n: ping", "\u{FEFF}data", "id: 1"] {
            #expect(form(label, beginning) == .stream, "\(beginning)")
        }
        for beginning in ["{", " \r\n[", "<html>", "\"x\""] {
            #expect(form(label, beginning) == .whole, "\(beginning)")
        }
        for beginning in ["", " \n"] {
            #expect(form(label, beginning) == nil)
            #expect(form(label, beginning, hasEnded: true) == .whole)
        }
    }
}
