import HTTPTypes
import JSON
import NIOCore
import Testing
import Values

@testable import Gateway

@Suite("The built-in upstream")
struct EchoUpstreamTests {
    private func messages(_ text: String) throws -> [JSON] { try #require(try JSON.parse(text.utf8).array) }

    /// The chunks that go out, and the length that is declared.
    private func answer(
        _ messages: [JSON], isStream: Bool, body: JSONObject = [:]
    ) throws -> (chunks: [String], answer: UpstreamAnswer) {
        let answer = EchoUpstream().complete(
            UpstreamCall(body: body, messages: messages, model: "echo", isStream: isStream, wholeLimit: 0))
        switch answer.body {
        case .whole(let buffer): return ([String(buffer: buffer)], answer)
        case .chunks(let buffers): return (buffers.map { String(buffer: $0) }, answer)
        case .remote:
            Issue.record("the echo needs no network")
            return ([], answer)
        }
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
    func manner(prompt: String, content: String) {
        let messages: [JSON] = [
            ["role": "system", "content": .string(prompt)], ["role": "system", "content": "You are a puppy."],
            ["role": "user", "content": "hello"],
        ]
        #expect(EchoUpstream.content(messages) == Text(content))
    }

    @Test(
        "it answers the last thing that the user said",
        arguments: [
            (#"[{"role":"user","content":"one"},{"role":"assistant"},{"role":"user","content":"three"}]"#, "three"),
            (#"[{"role":"user","content":"one"},{"role":"assistant","content":"two"}]"#, "one"),
            (
                #"[{"role":"user","content":[{"text":"a"},{"type":"image_url","image_url":{}},{"text":"b"}]}]"#,
                "a b"
            ),
            (#"[{"role":"user","content":null}]"#, ""), (#"[{"role":"user"}]"#, ""),
            (#"[{"role":"tool","content":"x"}]"#, ""),
            (#"[{"role":"user","content":7}]"#, ""),
        ])
    func said(text: String, said: String) throws {
        #expect(EchoUpstream.content(try messages(text)) == Text("You said: \(said)."))
    }

    @Test("a plain answer is a chat completion whose length is declared and whose words are counted") func plain()
        throws
    {
        let (chunks, answer) = try answer(
            messages(#"[{"role":"system","content":"a  cat"},{"role":"user","content":"one\ntwo"}]"#), isStream: false)
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentType] == "application/json")
        #expect(answer.length == chunks.joined().utf8.count)
        let body = try #require(try JSON.parse(chunks.joined().utf8).object)
        #expect(body["object"] == "chat.completion")
        let choice = try #require(body["choices"]?.array?.first?.object)
        #expect(choice["message"] == ["role": "assistant", "content": "Meow! You said: one\ntwo. Purr."])
        #expect(choice["finish_reason"] == "stop")
        #expect(body["usage"] == ["prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10])
    }

    @Test(
        "the chunks of a stream join to the plain answer; role first, reason at the end, [DONE] last",
        arguments: ["hello", "two  blanks and a tail ", "", "line\nbreak \"quoted\" \\ 猫 😀", " "])
    func stream(said: String) throws {
        let messages: [JSON] = [["role": "system", "content": "dog"], ["role": "user", "content": .string(said)]]
        let (chunks, answer) = try answer(messages, isStream: true)
        #expect(answer.headers[.contentType] == "text/event-stream")
        #expect(answer.length == nil)
        #expect(chunks.last == "data: [DONE]\n\n")
        let events = try events(chunks)
        #expect(events.allSatisfy { $0["object"] == "chat.completion.chunk" && $0["id"] == events[0]["id"] })
        let content = events.compactMap { delta($0)?["content"]?.string?.string }.joined()
        #expect(Text(content) == EchoUpstream.content(messages))
        #expect(delta(events[0])?["role"] == "assistant")
        let reasons = events.map { $0["choices"]?.array?.first?.object?["finish_reason"] }
        #expect(reasons.last == .some("stop"))
        #expect(reasons.dropLast().allSatisfy { $0 == .some(.null) })
        #expect(events.allSatisfy { $0["usage"] == nil })
    }

    @Test("usage ends a stream for whoever asks for it") func streamUsage() throws {
        let messages: [JSON] = [["role": "user", "content": "hello"]]
        let chunks = try answer(messages, isStream: true, body: ["stream_options": ["include_usage": true]]).chunks
        #expect(chunks.last == "data: [DONE]\n\n")
        let last = try #require(try events(chunks).last)
        #expect(last["choices"] == [])
        #expect(last["usage"] == ["prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4])
        let unasked = try answer(messages, isStream: true, body: ["stream_options": ["include_usage": false]]).chunks
        #expect(unasked.count == chunks.count - 1)
    }

    @Test("the same call gets the same bytes", arguments: [false, true])
    func deterministic(isStream: Bool) throws {
        let messages: [JSON] = [["role": "user", "content": "hello"]]
        #expect(try answer(messages, isStream: isStream).chunks == answer(messages, isStream: isStream).chunks)
    }
}
