import Catalog
import JSON
import NIOCore
import Testing
import Values

@testable import Gateway

@Suite("The built-in upstream")
struct EchoUpstreamTests {
    private func reply(
        _ messages: String, prompt: Text? = nil, _ systemMessages: SystemMessages = .keep
    ) throws -> EchoReply {
        let request = try ChatRequest(ByteBuffer(string: #"{"messages":\#(messages)}"#))
        return EchoReply(request, prompt: prompt, model: "echo", systemMessages: systemMessages)
    }

    /// What it says, as a text.
    private func content(_ reply: EchoReply) throws -> Text? {
        try JSON.parse([UInt8(ascii: "\"")] + Array(reply.content.readableBytesView) + [UInt8(ascii: "\"")]).string
    }

    private func chunks(_ reply: EchoReply, wantsUsage: Bool = false) -> [String] {
        var stream = EchoStream(reply, wantsUsage: wantsUsage)
        return Array(AnyIterator { stream.next().map { String(buffer: $0) } })
    }

    /// What the events of a stream say, without the last one.
    private func events(_ chunks: [String]) throws -> [JSONObject] {
        #expect(chunks.allSatisfy { $0.hasPrefix("data: ") && $0.hasSuffix("\n\n") })
        return try chunks.dropLast().map { chunk in
            try #require(try JSON.parse(chunk.dropFirst(6).dropLast(2).utf8).object)
        }
    }

    private func delta(_ event: JSONObject) -> JSONObject? { event["choices"]?.array?.first?.object?["delta"]?.object }

    @Test(
        "the manner is the one of the first system message",
        arguments: [
            ("You are a cat.", "Meow! You said: hello. Purr."), ("KITTEN, always", "Meow! You said: hello. Purr."),
            ("You are a dog.", "Woof! You said: hello. Wag, wag."),
            ("two cats, no more", "Meow! You said: hello. Purr."), ("Cat\u{301}.", "You said: hello."),
            ("Be brief.", "You said: hello."), ("", "You said: hello."), ("You catalogue dogmas.", "You said: hello."),
        ])
    func manner(prompt: String, content: String) throws {
        let rest = #"{"role":"system","content":"You are a puppy."},{"role":"user","content":"hello"}]"#
        let system = JSON.string(prompt).text
        let first = try reply(#"[{"role":"system","content":\#(system)},\#(rest)"#)
        #expect(try self.content(first) == Text(content))
        let parts = try reply(#"[{"role":"system","content":[{"text":\#(system)}]},\#(rest)"#)
        #expect(try self.content(parts) == Text(content))
        let app = try reply("[\(rest)", prompt: Text(prompt))
        #expect(try self.content(app) == Text(content))
        #expect(app.asked == first.asked)
    }

    @Test("where system messages are joined, the caller's count for the manner as well as the app's") func joined()
        throws
    {
        let messages = #"[{"role":"system","content":"a cat"},{"role":"user","content":"hi"}]"#
        #expect(try content(reply(messages, prompt: "Be brief.")) == "You said: hi.")
        #expect(try content(reply(messages, prompt: "Be brief.", .merge)) == "Meow! You said: hi. Purr.")
        let late = #"[{"role":"user","content":"hi"},{"role":"system","content":"a cat"}]"#
        #expect(try content(reply(late, prompt: "Be brief.", .merge)) == "You said: hi.")
        #expect(try content(reply(late, .merge)) == "Meow! You said: hi. Purr.")
    }

    @Test(
        "it answers the last thing that the user said",
        arguments: [
            (#"[{"role":"user","content":"one"},{"role":"assistant"},{"role":"user","content":"three"}]"#, "three"),
            (#"[{"role":"user","content":"one"},{"role":"assistant","content":"two"}]"#, "one"),
            (
                #"[{"role":"user","content":[{"text":"a"},{"type":"image_url","image_url":{}},7,{},{"text":"b"}]}]"#,
                "a b"
            ),
            (#"[{"role":"user","content":null}]"#, ""), (#"[{"role":"user"}]"#, ""),
            (#"[{"role":"user","content":[]}]"#, ""), (#"[{"role":"user","content":[{"text":7}]}]"#, ""),
            (#"[{"role":"tool","content":"x"}]"#, ""),
            (#"[{"role":"user","content":7}]"#, ""),
            (#"[{"role":"user","content":"\u0041\ud83d\ude00\"\n"}]"#, "A😀\"\n"),
        ])
    func said(text: String, said: String) throws {
        #expect(try content(reply(text)) == Text("You said: \(said)."))
    }

    @Test("a plain answer is a chat completion whose words are counted") func plain() throws {
        let messages = #"[{"role":"system","content":"a  cat"},{"role":"user","content":"one\ntwo"}]"#
        let body = try #require(try JSON.parse(reply(messages).whole().readableBytesView).object)
        #expect(
            body.members.map(\.name) == ["id", "object", "created", "model", "choices", "usage"])
        #expect(body["object"] == "chat.completion" && body["model"] == "echo")
        let choice = try #require(body["choices"]?.array?.first?.object)
        #expect(choice["message"] == ["role": "assistant", "content": "Meow! You said: one\ntwo. Purr."])
        #expect(choice["finish_reason"] == "stop")
        #expect(body["usage"] == ["prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10])
    }

    @Test(
        "the chunks of a stream join to the plain answer; role first, reason at the end, [DONE] last",
        arguments: ["hello", "two  blanks and a tail ", "", "line\nbreak \"quoted\" \\ 猫 😀", " "])
    func stream(said: String) throws {
        let messages = JSON.array([
            ["role": "system", "content": "dog"], ["role": "user", "content": .string(said)],
        ]).text
        let reply = try reply(messages)
        let chunks = chunks(reply)
        #expect(chunks.last == "data: [DONE]\n\n")
        let events = try events(chunks)
        #expect(events.allSatisfy { $0["object"] == "chat.completion.chunk" && $0["id"] == events[0]["id"] })
        let words = events.compactMap { delta($0)?["content"]?.string }
        #expect(Text(words.map(\.string).joined()) == (try content(reply)))
        // A word is an event, with the blank before it.
        let expected = "Woof! You said: \(said). Wag, wag.".split(separator: " ", omittingEmptySubsequences: false)
        #expect(words == ["", Text(expected[0])] + expected.dropFirst().map { Text(" \($0)") })
        #expect(delta(events[0])?["role"] == "assistant")
        let reasons = events.map { $0["choices"]?.array?.first?.object?["finish_reason"] }
        #expect(reasons.last == .some("stop"))
        #expect(reasons.dropLast().allSatisfy { $0 == .some(.null) })
        #expect(events.allSatisfy { $0["usage"] == nil })
    }

    @Test("usage ends a stream for whoever asks for it") func streamUsage() throws {
        let reply = try reply(#"[{"role":"user","content":"hello"}]"#)
        let chunks = chunks(reply, wantsUsage: true)
        #expect(chunks.last == "data: [DONE]\n\n")
        let last = try #require(try events(chunks).last)
        #expect(last["choices"] == [])
        #expect(last["usage"] == ["prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4])
        #expect(self.chunks(reply).count == chunks.count - 1)
    }

    @Test(
        "a stream is at most twice what was said and 20 KiB, each event is small, and nothing is lost or cut",
        arguments: [" ", "a ", "word ", "猫", "\\ud83d\\ude00", "\\u0041", "\\\\", "\\uD83D\\uDE00\\n ", "😀 "])
    func bounded(piece: String) throws {
        let said = String(repeating: piece, count: 100_000 / piece.utf8.count)
        let reply = try reply(#"[{"role":"user","content":"\#(said)"}]"#)
        let chunks = chunks(reply)
        #expect(chunks.reduce(0) { $0 + $1.utf8.count } <= 2 * said.utf8.count + 20 * 1024)
        #expect(chunks.allSatisfy { $0.utf8.count < EchoStream.most + 512 })
        let words = try events(chunks).compactMap { delta($0)?["content"]?.string?.string }
        #expect(Text(words.joined()) == (try content(reply)))
        #expect(reply.whole().readableBytes < said.utf8.count + 512)
    }

    @Test("words are counted between any white space, written or escaped")
    func words() throws {
        let reply = try reply(
            #"[{"role":"user","content":" a\u0020b\u00a0c\td\u2003 e "},"#
                + #"{"role":"x","content":[{"text":"f g"},{"text":"h"}]}]"#)
        #expect(reply.asked == 8)
        // "You", "said:", a, b, c, d, e and "."
        #expect(reply.answered == 8)
    }
}
